import { readOwnOrder } from '../order/placement.ts';
import type { ActPlace } from './desk.ts';
import { type Draft, readDraftFate, writeDraft } from './draft.ts';
import { place } from './place.ts';
import { ask } from './questions.ts';
import { refusedScreen } from './refusal.ts';
import type { Reply } from './reply.ts';
import { questionScreen, show, toast, withLead } from './screens.ts';
import type { Act, Context, Step } from './step.ts';

const freshSeconds = 24 * 3600;

/**
 * "Generate Again": one tap, one order like the earlier one. The button's `turn` is in the nonce, so a second tap on the same
 * button is the same order; after it the button gets the next turn.
 * Where price or model changed, or the order is older than a day, nothing is placed: the confirmation is shown.
 */
export async function again(act: Extract<Act, { kind: 'again' }>, context: Context, at: ActPlace): Promise<Step> {
  const { texts, terms, balance, userId } = context;
  const { transaction, desk } = at;
  const own = await readOwnOrder(transaction, act.order, userId);
  if (own === null) return { say: [toast(act.callbackId, texts.toast.foreign)] };
  const draft: Draft = {
    nonce: `again:${own.orderId}:${act.turn}`,
    state: 'confirm',
    photoKey: own.photoKey,
    productText: own.productText,
    template: own.template,
    wishes: own.wishes,
    price: terms.unitPrice,
    messageId: null,
    repeats: own.orderId,
    album: null,
    albumNoted: false,
    tooLongAt: null,
  };
  const used = await readDraftFate(transaction, draft.nonce);
  if (used !== null) {
    const words = used.closed === 'placed' ? texts.toast.alreadyPlaced : texts.toast.stale;
    return { say: [toast(act.callbackId, words), ...nextTurn(act, context)] };
  }
  const unchanged = act.price === terms.unitPrice && own.model === desk.offer.model && own.ageSeconds <= freshSeconds;
  const affordable = balance.available >= terms.unitPrice;
  if (unchanged && affordable) return repeat(act, draft, context, at);
  const confirm = { ...draft, nonce: context.freshNonce };
  const step = ask(context, confirm);
  const changed = show(withLead(texts.changedSince, questionScreen(confirm, context)), null, confirm.nonce);
  return { ...step, say: [toast(act.callbackId), ...(unchanged ? (step.say ?? []) : [changed])] };
}

/** The progress message is sent first, because the order needs it: if we die here, the worst is a short text too many. */
async function repeat(
  act: Extract<Act, { kind: 'again' }>,
  draft: Draft,
  context: Context,
  { transaction, chatId, desk }: ActPlace,
): Promise<Step> {
  const { texts, terms, userId } = context;
  const { template, productText } = draft;
  if (template === null || productText === null) return {};
  const facts = { stage: 'accepted', place: null, elapsedSeconds: 0, usualSeconds: terms.usualSeconds } as const;
  const messageId = await desk.telegram.sendMessage(chatId, texts.progress(facts), [], { silent: true });
  const confirmed = { ...draft, template, productText, price: terms.unitPrice };
  const placed = await place(transaction, context, confirmed, { chatId, messageId }, desk.offer);
  if ('orders' in placed) {
    await writeDraft(transaction, userId, chatId, { ...draft, messageId }, 'placed');
    return { say: [toast(act.callbackId, texts.toast.placed), ...nextTurn(act, context)] };
  }
  await writeDraft(transaction, userId, chatId, { ...draft, messageId }, 'refused');
  const confirm = { ...draft, nonce: context.freshNonce };
  const step = ask(context, confirm, messageId);
  if (placed.outcome === 'conflict') return { ...step, say: [toast(act.callbackId), ...(step.say ?? [])] };
  const refused = refusedScreen(placed, draft, context);
  return {
    draft: refused.draft,
    say: [toast(act.callbackId), show(refused.screen, messageId, refused.draft.nonce), ...nextTurn(act, context)],
  };
}

/** The tapped button is used up; the same one with the next turn takes its place. */
function nextTurn(act: Extract<Act, { kind: 'again' }>, { texts, terms }: Context): Reply[] {
  if (act.messageId === null) return [];
  const press = { kind: 'again', order: act.order, turn: act.turn + 1, price: terms.unitPrice } as const;
  return [{ kind: 'keyboard', messageId: act.messageId, keyboard: [[{ text: texts.again(terms.unitPrice), press }]] }];
}
