import type { Draft } from './draft.ts';
import type { PersonEvent } from './event.ts';
import { ask, askConsent, confirmAnew, readyToConfirm } from './questions.ts';
import { askPhotoScreen, plain, questionScreen, show, toast } from './screens.ts';
import type { Context, Step } from './step.ts';

type PressEvent = Extract<PersonEvent, { kind: 'press' }>;

/** What comes of a tapped button. Every tap is answered, also a stale one and one that is not theirs. */
export function onPress(context: Context, event: PressEvent): Step {
  const { press, callbackId, messageId } = event;
  const { texts } = context;
  const quiet = toast(callbackId);
  if (press === undefined) return { say: [toast(callbackId, texts.toast.stale)] };
  switch (press.kind) {
    case 'accept':
      if (!context.consented) return { say: [quiet], act: { kind: 'accept', messageId } };
      return {
        say: [quiet, show(plain(texts.menu({ available: context.balance.available, price: context.terms.unitPrice })))],
      };
    case 'language':
      return { say: [quiet], act: { kind: 'language', language: press.language, messageId } };
    case 'new':
      return context.consented ? { say: [quiet, show(askPhotoScreen(texts))] } : withToast(quiet, askConsent(context));
    case 'cancel':
    case 'show':
      return { act: { kind: press.kind, order: press.order, callbackId } };
    case 'buy':
      if (!context.consented) return withToast(quiet, askConsent(context));
      return { act: { kind: 'sell', package: press.package, callbackId } };
    case 'forget':
    case 'keep': {
      const answer = press.kind === 'forget' ? 'yes' : 'no';
      return { act: { kind: 'forget', answer, nonce: press.nonce, callbackId, messageId } };
    }
    case 'again':
      // Who had themselves forgotten and came back has not agreed to anything yet.
      if (!context.consented) return withToast(quiet, askConsent(context));
      return {
        act: { kind: 'again', order: press.order, turn: press.turn, price: press.price, callbackId, messageId },
      };
    default:
      return onDraftPress(context, event, press);
  }
}

type DraftPress = Exclude<Extract<NonNullable<PressEvent['press']>, { nonce: string }>, { kind: 'forget' | 'keep' }>;

function onDraftPress(context: Context, { callbackId, messageId }: PressEvent, press: DraftPress): Step {
  const { draft, texts } = context;
  if (draft === null || draft.nonce !== press.nonce || draft.state !== stateOf(press)) {
    return { say: [toast(callbackId, texts.toast[whyNot(context)])] };
  }
  const quiet = toast(callbackId);
  switch (press.kind) {
    case 'template': {
      const next: Draft = {
        ...draft,
        template: press.template,
        state: press.template === 'self' ? 'prompt' : 'wishes',
      };
      return withToast(quiet, ask(context, next, messageId));
    }
    case 'skip':
      return withToast(quiet, ask(context, readyToConfirm({ ...draft, wishes: null }, context), messageId));
    case 'count':
      return withToast(quiet, ask(context, confirmAnew(draft, press.count, context), messageId));
    case 'check':
      return withToast(quiet, ask(context, confirmAnew(draft, draft.count, context), messageId));
    case 'discard':
      return { draft: 'drop', say: [quiet, show(plain(texts.discarded), messageId)] };
    case 'create':
      // A tap without its message is from a client that lost it: the question is asked anew, with a message to follow.
      if (messageId === null) return { say: [quiet, show(questionScreen(draft, context), null, draft.nonce)] };
      return { act: { kind: 'place', draft, callbackId, messageId } };
  }
}

function stateOf(press: DraftPress): Draft['state'] {
  if (press.kind === 'template') return 'template';
  return press.kind === 'skip' ? 'wishes' : 'confirm';
}

function whyNot({ pressed, userId }: Context): 'stale' | 'foreign' | 'alreadyPlaced' {
  if (pressed === null) return 'stale';
  if (pressed.userId !== userId) return 'foreign';
  return pressed.closed === 'placed' ? 'alreadyPlaced' : 'stale';
}

function withToast(first: ReturnType<typeof toast>, step: Step): Step {
  return { ...step, say: [first, ...(step.say ?? [])] };
}
