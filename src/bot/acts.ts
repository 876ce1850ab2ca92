import { askShowing } from '../delivery/delivery.ts';
import { redeemPromo } from '../ledger/grants.ts';
import { recordConsent, setLanguage, setReferrer } from '../ledger/people.ts';
import { cancelOrder } from '../ledger/settlement.ts';
import { again } from './again.ts';
import type { ActPlace } from './desk.ts';
import { closeDraft } from './draft.ts';
import { answerForget, askForget } from './forgetting.ts';
import { place } from './place.ts';
import { ask, inLanguage } from './questions.ts';
import { refusedScreen } from './refusal.ts';
import { offer, sell } from './sale.ts';
import { consentScreen, maxCharacters, photoRefusedScreen, plain, questionScreen, show, toast } from './screens.ts';
import type { Act, Context, Step } from './step.ts';
import { takePhoto } from './take-photo.ts';

/** The terms as they are worded now, recorded with each consent. */
export const termsVersion = '2026-11';

/** Asks the outside, and decides by its answer what is said. Everything written goes through the caller's transaction. */
export async function perform(act: Act, context: Context, at: ActPlace): Promise<Step> {
  switch (act.kind) {
    case 'accept':
      return accept(act, context, at);
    case 'language':
      return switchLanguage(act, context, at);
    case 'photo':
      return photo(act, context, at);
    case 'place':
      return create(act, context, at);
    case 'again':
      return again(act, context, at);
    case 'cancel':
      return cancel(act, context, at);
    case 'show':
      return showAgain(act, context, at);
    case 'offer':
      return offer(context, at);
    case 'sell':
      return sell(act, context, at);
    case 'refer':
      await setReferrer(at.transaction, context.userId, act.code);
      return {};
    case 'promo':
      return promo(act, context, at);
    case 'forget':
      return act.answer === 'ask' ? askForget(context, at) : answerForget(act, context, at);
  }
}

type ActOf<K extends Act['kind']> = Extract<Act, { kind: K }>;

async function accept({ messageId }: ActOf<'accept'>, context: Context, { transaction }: ActPlace): Promise<Step> {
  const { granted, available } = await recordConsent(transaction, context.userId, termsVersion);
  const { unitPrice: price, usualSeconds } = context.terms;
  return { say: [show(plain(context.texts.welcome({ granted, available, price, usualSeconds })), messageId)] };
}

async function switchLanguage(
  { language, messageId }: ActOf<'language'>,
  context: Context,
  { transaction }: ActPlace,
): Promise<Step> {
  await setLanguage(transaction, context.userId, language);
  const translated = inLanguage(context, language);
  const done = plain(translated.texts.languageSet);
  // The question under way is asked again, in the new language.
  if (!context.consented) {
    return { say: [show(consentScreen(translated.texts), messageId)] };
  }
  if (context.draft === null) return { say: [show(done, messageId)] };
  return { say: [show(done, messageId), show(questionScreen(context.draft, translated), null, context.draft.nonce)] };
}

async function photo({ file, caption, album }: ActOf<'photo'>, context: Context, { desk }: ActPlace): Promise<Step> {
  const taken = await takePhoto(file, desk);
  if (taken.kind === 'refused') return { say: [show(photoRefusedScreen(context.texts, taken.reason))] };
  const described = caption !== null && Array.from(caption).length <= maxCharacters;
  return ask(context, {
    nonce: context.freshNonce,
    state: described ? 'template' : 'text',
    photoKey: taken.key,
    productText: described ? caption : null,
    template: null,
    wishes: null,
    price: null,
    count: 1,
    messageId: null,
    repeats: null,
    album,
    albumNoted: false,
    tooLongAt: null,
  });
}

async function create(
  { draft, callbackId, messageId }: ActOf<'place'>,
  context: Context,
  { transaction, chatId, desk }: ActPlace,
): Promise<Step> {
  const { template, productText, price } = draft;
  if (template === null || productText === null || price === null) return ask(context, draft, messageId);
  const confirmed = { ...draft, template, productText, price };
  const placed = await place(transaction, context, confirmed, { chatId, messageId }, desk.offer);
  switch (placed.outcome) {
    case 'placed':
    case 'exists':
      // From here on the notices edit the tapped message.
      await closeDraft(transaction, draft.nonce, 'placed');
      return { say: [toast(callbackId, context.texts.toast.placed)] };
    case 'conflict':
      await closeDraft(transaction, draft.nonce, 'dropped');
      return { say: [toast(callbackId, context.texts.toast.stale)] };
    case 'refused': {
      await closeDraft(transaction, draft.nonce, 'refused');
      const { draft: next, screen } = refusedScreen(placed, draft, context);
      return { draft: next, say: [toast(callbackId), show(screen, messageId, next.nonce)] };
    }
  }
}

async function cancel(
  { order, callbackId }: ActOf<'cancel'>,
  { userId, texts }: Context,
  { transaction, desk }: ActPlace,
): Promise<Step> {
  const { outcome } = await cancelOrder(transaction, order, userId);
  switch (outcome) {
    case 'cancelled':
      desk.mirrorCancel(order);
      return { say: [toast(callbackId, texts.toast.cancelled)] };
    case 'too-late':
      return { say: [toast(callbackId, texts.toast.tooLate)] };
    case 'settled':
      return { say: [toast(callbackId, texts.toast.alreadyOver)] };
    case 'unknown-order':
      return { say: [toast(callbackId, texts.toast.foreign)] };
  }
}

async function showAgain(
  { order, callbackId }: ActOf<'show'>,
  { userId, texts }: Context,
  { transaction }: ActPlace,
): Promise<Step> {
  const { outcome } = await askShowing(transaction, order, userId);
  const words = {
    queued: texts.toast.sending,
    shown: texts.toast.alreadyShown,
    'not-stored': texts.toast.notStored,
    'unknown-order': texts.toast.foreign,
  };
  return { say: [toast(callbackId, words[outcome])] };
}

async function promo({ code }: ActOf<'promo'>, { userId, texts }: Context, { transaction }: ActPlace): Promise<Step> {
  const { outcome, granted, available, debt } = await redeemPromo(transaction, userId, code);
  const words = outcome === 'granted' ? texts.promo.granted({ granted, available, debt }) : texts.promo[outcome];
  return { say: [show(plain(words))] };
}
