import { textsIn } from '../texts/texts.ts';
import type { Draft } from './draft.ts';
import { consentScreen, questionScreen, show } from './screens.ts';
import type { Context, Step } from './step.ts';

/** The draft with all its questions answered, at the price of now. */
export function readyToConfirm(draft: Draft, { terms }: Context): Draft {
  return { ...draft, state: 'confirm', price: terms.unitPrice };
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
