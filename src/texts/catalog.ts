/** How the prompt of a video is made, in the words of the order. */
export type Template = 'ugc' | 'ad' | 'self';

/** Why a photo was not taken. */
export type PhotoTrouble = 'not-a-photo' | 'too-big' | 'too-small' | 'broken';

/** What went wrong with an order, as a person understands it. */
export type Trouble =
  | 'person'
  | 'minor'
  | 'policy'
  | 'brand'
  | 'prompt'
  | 'photo'
  | 'technical'
  | 'failed'
  | 'unknown-outcome'
  | 'too-slow'
  | 'waited'
  | 'cancelled'
  | 'removed'
  | 'delivery';

/** Why a bill cannot be paid. */
export type CheckoutTrouble =
  | 'unknown-invoice'
  | 'paid'
  | 'expired'
  | 'other-person'
  | 'other-amount'
  | 'other-currency'
  | 'banned'
  | 'unavailable';

export type Stage = 'accepted' | 'queued' | 'preparing' | 'generating';

/** Which of how many videos that were ordered with one tap. */
export interface InGroup {
  position: number;
  count: number;
}

export interface Progress extends InGroup {
  stage: Stage;
  /** Place in the queue from 1, where it is known. */
  place: number | null;
  usualSeconds: number;
  elapsedSeconds: number;
}

export interface Confirmation {
  template: Template;
  productText: string;
  wishes: string | null;
  count: number;
  /** Of one video. */
  unitPrice: number;
  /** Of all of them. */
  price: number;
  available: number;
  usualSeconds: number;
}

export interface Failure {
  trouble: Trouble;
  returned: number;
  available: number;
  debt: number;
}

/** The end of a group. */
export interface Summary {
  count: number;
  shown: number;
  /** Made and charged, and not surely in the chat. */
  kept: number;
  charged: number;
  returned: number;
  available: number;
  debt: number;
  troubles: readonly Trouble[];
}

/** Every word a person reads, in one language. HTML of Telegram's parse mode; what comes from people is escaped inside. */
export interface Catalog {
  consent: string;
  accept: string;
  welcome(facts: { granted: number; available: number; price: number; usualSeconds: number }): string;
  menu(facts: { available: number; price: number }): string;
  askPhoto(facts: { maxMegabytes: number }): string;
  onlyFirstPhoto: string;
  photoRefused(trouble: PhotoTrouble, limits: { maxMegabytes: number; minSide: number }): string;
  askText(facts: { maxCharacters: number }): string;
  textEmpty: string;
  textTooLong(facts: { characters: number; maxCharacters: number }): string;
  askTemplate: string;
  template: Record<Template, string>;
  askPrompt(facts: { maxCharacters: number }): string;
  askWishes(facts: { maxCharacters: number }): string;
  skip: string;
  confirm(facts: Confirmation): string;
  countButton(facts: { count: number; chosen: boolean }): string;
  create(facts: { count: number; price: number }): string;
  discard: string;
  checkAgain: string;
  newVideo: string;
  otherPhoto: string;
  again(price: number): string;
  tryAgain(price: number): string;
  sendAgain: string;
  cancelOrder: string;
  noCredits(facts: { count: number; price: number; available: number; contact: string }): string;
  tooManyOpen(facts: { limit: number }): string;
  ordersPaused: string;
  inDebt(facts: { debt: number; contact: string }): string;
  banned(facts: { contact: string }): string;
  priceChanged(price: number): string;
  changedSince: string;
  hint: Record<'photo' | 'text' | 'template' | 'prompt' | 'wishes' | 'confirm' | 'command', string>;
  discarded: string;
  nothingToCancel: string;
  chooseOrder: string;
  orderButton(order: string): string;
  balance(facts: { available: number; held: number; debt: number }): string;
  invite(facts: { link: string; credits: number; days: number }): string;
  promo: Record<'ask' | 'already' | 'unknown' | 'expired' | 'exhausted' | 'banned', string> & {
    granted(facts: { granted: number; available: number; debt: number }): string;
  };
  /** Deleting everything that is known of a person. */
  forget: Record<'no' | 'changed' | 'done' | 'kept', string> & {
    ask(facts: { forfeits: number; debt: number }): string;
    yes(facts: { forfeits: number }): string;
    openOrders(facts: { orders: readonly string[] }): string;
  };
  help(facts: { contact: string; price: number }): string;
  terms(facts: { contact: string }): string;
  privacy(facts: { contact: string }): string;
  language: string;
  languageSet: string;
  privateOnly: string;
  ourFault(facts: { contact: string }): string;
  /** Instead of paying: at most 200 characters, shown by Telegram. */
  checkout: Record<CheckoutTrouble, string>;
  packages(facts: { available: number; contact: string }): string;
  nothingOnSale(facts: { contact: string }): string;
  packageButton(facts: { credits: number; stars: number }): string;
  /** At most 32 characters. */
  invoiceTitle(facts: { credits: number }): string;
  /** At most 255 characters. */
  invoiceDescription(facts: { credits: number }): string;
  saleRefused(facts: { contact: string }): string;
  paymentHelp(facts: { contact: string }): string;
  paid(facts: { credits: number; repaid: number; available: number; debt: number }): string;
  paymentUnmatched(facts: { stars: number; contact: string }): string;
  /** `available` is null for somebody who has no account. */
  refunded(facts: { stars: number; credits: number; available: number | null }): string;
  refundRefused(facts: { stars: number; credits: number; available: number | null; contact: string }): string;
  chargedBack(facts: { stars: number; credits: number; available: number; debt: number; contact: string }): string;
  toast: Record<
    | 'stale'
    | 'foreign'
    | 'placed'
    | 'placing'
    | 'alreadyPlaced'
    | 'cancelled'
    | 'tooLate'
    | 'alreadyOver'
    | 'sending'
    | 'alreadyShown'
    | 'notStored',
    string
  >;
  progress(facts: Progress): string;
  slow(facts: { usualSeconds: number }): string;
  delivered(facts: InGroup & { credits: number; available: number; othersOpen: boolean }): string;
  failed(facts: Failure): string;
  /** In the progress message of one of several orders; the summary says the rest. */
  failedInGroup(facts: InGroup & { trouble: Trouble; returned: number }): string;
  summary(facts: Summary): string;
  trouble: Record<Trouble, { what: string; tip: string }>;
  unconfirmed(facts: { credits: number }): string;
  videoCaption: string;
  placeholder: string;
  commands: Record<
    'start' | 'new' | 'balance' | 'buy' | 'promo' | 'cancel' | 'language' | 'help' | 'terms' | 'privacy' | 'delete',
    string
  >;
  description: string;
}
