import type { Balance, Terms } from '../ledger/people.ts';
import type { Catalog } from '../texts/catalog.ts';
import type { Language } from '../texts/language.ts';
import type { Draft, DraftEnd } from './draft.ts';
import type { Reply } from './reply.ts';

/** All that the conversation decides by. */
export interface Context {
  userId: number;
  telegramId: number;
  language: Language;
  texts: Catalog;
  consented: boolean;
  draft: Draft | null;
  terms: Terms;
  balance: Balance;
  contact: string;
  /** For a draft or screen that needs one: the conversation itself rolls no dice. */
  freshNonce: string;
  /** Of the draft that a pressed button names. */
  pressed: { userId: number; closed: DraftEnd | null } | null;
  /** Of this person's own link; null where it was not asked for or Telegram did not say our name. */
  invitation: string | null;
  openOrders: readonly { orderId: string; cancellable: boolean }[];
}

/** What needs more than words: the outside is asked, and its answer decides what is said. */
export type Act =
  | { kind: 'accept'; messageId: number | null }
  | { kind: 'language'; language: Language; messageId: number | null }
  | { kind: 'photo'; file: { id: string; bytes: number | null }; caption: string | null; album: string | null }
  | { kind: 'place'; draft: Draft; callbackId: string; messageId: number }
  | { kind: 'again'; order: string; turn: number; price: number; callbackId: string; messageId: number | null }
  | { kind: 'cancel'; order: string; callbackId: string }
  | { kind: 'show'; order: string; callbackId: string }
  | { kind: 'offer' }
  | { kind: 'sell'; package: string; callbackId: string }
  /** Somebody came by this person's link. */
  | { kind: 'refer'; code: string }
  | { kind: 'promo'; code: string }
  | { kind: 'forget'; answer: 'ask' }
  | { kind: 'forget'; answer: 'yes' | 'no'; nonce: string; callbackId: string; messageId: number | null };

/** What comes of an event: the draft as it stands then, what is said, and what is asked of the outside. */
export interface Step {
  draft?: Draft | 'drop';
  say?: Reply[];
  act?: Act;
}
