import { textsIn } from '../texts/texts.ts';
import type { Draft } from './draft.ts';
import { consentScreen, questionScreen, show } from './screens.ts';
import type { Context, Step } from './step.ts';

/** The draft with all its questions answered, at the price of now. */
export function readyToConfirm(draft: Draft, { terms }: Context): Draft {
  return { ...draft, state: 'confirm', price: terms.unitPrice };
}

/**
 * The confirmation asked again, for so many videos at the price of now. Where that is another sum it is another question: a button that
 * is still on some screen with the former one must not be charged by this.
 */
export function confirmAnew(draft: Draft, count: Draft['count'], context: Context): Draft {
  const anew = readyToConfirm({ ...draft, count }, context);
  const isSame = anew.count === draft.count && anew.price === draft.price;
  return isSame ? anew : { ...anew, nonce: context.freshNonce };
}

/** Asks the draft's question, in the tapped message or a new one. */
export function ask(context: Context, draft: Draft, messageId: number | null = null): Step {
  return { draft, say: [show(questionScreen(draft, context), messageId, draft.nonce)] };
}

export function askConsent({ texts }: Context): Step {
  return { say: [show(consentScreen(texts))] };
}

/** The context of the same person in another language. */
export function inLanguage(context: Context, language: Context['language']): Context {
  return { ...context, language, texts: textsIn(language) };
}
