import type { Draft } from './draft.ts';
import type { PersonEvent } from './event.ts';
import { referralPrefix } from './invitation.ts';
import { onPress } from './presses.ts';
import { ask, askConsent, readyToConfirm } from './questions.ts';
import { askPhotoScreen, languageScreen, maxCharacters, photoRefusedScreen, plain, show } from './screens.ts';
import type { Context, Step } from './step.ts';

/**
 * What comes of one event, as a pure function of what is known. Nothing is asked of the outside here: that is the step's `act`.
 */
export function converse(context: Context, event: PersonEvent): Step {
  switch (event.kind) {
    case 'returned':
      return {};
    case 'command':
      return onCommand(context, event.name, event.argument);
    case 'press':
      return onPress(context, event);
    case 'photo':
      return onPhoto(context, event);
    case 'text':
      return context.consented ? onText(context, event.text, event.sentAt) : askConsent(context);
    case 'file':
      return { say: [show(photoRefusedScreen(context.texts, 'not-a-photo'))] };
    case 'other':
      return context.consented ? hint(context) : askConsent(context);
  }
}

function onCommand(context: Context, name: string, argument: string | null): Step {
  const { texts, balance, terms, contact } = context;
  const { available } = balance;
  switch (name) {
    case 'help':
    case 'support':
    case 'settings':
      return { say: [show(plain(texts.help({ contact, price: terms.unitPrice })))] };
    case 'paysupport':
      return { say: [show(plain(texts.paymentHelp({ contact })))] };
    case 'terms':
      return { say: [show(plain(texts.terms({ contact })))] };
    case 'privacy':
      return { say: [show(plain(texts.privacy({ contact })))] };
    case 'language':
      return { say: [show(languageScreen(texts))] };
    case 'start':
      return context.consented
        ? { say: [show(plain(texts.menu({ available, price: terms.unitPrice })))] }
        : firstStart(context, argument);
    case 'delete':
      return { act: { kind: 'forget', answer: 'ask' } };
  }
  if (!context.consented) return askConsent(context);
  switch (name) {
    case 'new':
      return { say: [show(askPhotoScreen(texts))] };
    case 'balance':
      return { say: [show(plain(balanceText(context)))] };
    case 'promo':
      if (argument === null) return { say: [show(plain(texts.promo.ask))] };
      return { act: { kind: 'promo', code: argument } };
    case 'buy':
      return { act: { kind: 'offer' } };
    case 'cancel':
      return onCancel(context);
    default:
      return { say: [show(plain(texts.hint.command))] };
  }
}

/** Until they consent they are new, and the link they came by counts; PostgreSQL takes the first one and never another. */
function firstStart(context: Context, argument: string | null): Step {
  const asked = askConsent(context);
  if (argument?.startsWith(referralPrefix) !== true) return asked;
  return { ...asked, act: { kind: 'refer', code: argument.slice(referralPrefix.length) } };
}

function balanceText({ texts, balance, terms, invitation }: Context): string {
  const words = texts.balance(balance);
  const { referralCredits: credits, referralDays: days } = terms;
  if (credits === 0 || invitation === null) return words;
  return `${words}\n\n${texts.invite({ link: invitation, credits, days })}`;
}

function onCancel({ draft, texts, openOrders }: Context): Step {
  if (draft !== null) return { draft: 'drop', say: [show(plain(texts.discarded))] };
  const cancellable = openOrders.filter((order) => order.cancellable);
  if (cancellable.length === 0) return { say: [show(plain(texts.nothingToCancel))] };
  const keyboard = cancellable.map(({ orderId }) => [
    { text: texts.orderButton(orderId), press: { kind: 'cancel', order: orderId } as const },
  ]);
  return { say: [show({ html: texts.chooseOrder, keyboard })] };
}

function onPhoto(context: Context, event: Extract<PersonEvent, { kind: 'photo' }>): Step {
  if (!context.consented) return askConsent(context);
  const { draft, texts } = context;
  if (event.album !== null && draft?.album === event.album) {
    if (draft.albumNoted) return {};
    return { draft: { ...draft, albumNoted: true }, say: [show(plain(texts.onlyFirstPhoto))] };
  }
  return { act: { kind: 'photo', file: event.file, caption: event.caption, album: event.album } };
}

function onText(context: Context, raw: string, sentAt: number): Step {
  const { draft, texts } = context;
  if (draft === null || draft.state === 'template' || draft.state === 'confirm') return hint(context);
  // Telegram splits a long text: its tail arrives at once as a message of its own, and must not be taken for an answer.
  if (draft.tooLongAt !== null && sentAt - draft.tooLongAt <= 2) return {};
  const text = raw.trim();
  const characters = Array.from(text).length;
  if (characters === 0) return { say: [show(plain(texts.textEmpty))] };
  if (characters > maxCharacters) {
    const html = texts.textTooLong({ characters, maxCharacters });
    return { draft: { ...draft, tooLongAt: sentAt }, say: [show(plain(html))] };
  }
  return ask(context, answered({ ...draft, tooLongAt: null }, text, context));
}

function answered(draft: Draft, text: string, context: Context): Draft {
  switch (draft.state) {
    case 'text':
      return { ...draft, productText: text, state: 'template' };
    case 'prompt':
      return readyToConfirm({ ...draft, productText: text }, context);
    default:
      return readyToConfirm({ ...draft, wishes: text }, context);
  }
}

function hint({ draft, texts }: Context): Step {
  return { say: [show(plain(texts.hint[draft?.state ?? 'photo']))] };
}
