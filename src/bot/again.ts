import { type Repeatable, readOwnOrder } from '../order/placement.ts';
import type { Offer } from './config.ts';
import type { ActPlace } from './desk.ts';
import { type Draft, readDraftFate, writeDraft } from './draft.ts';
import { place } from './place.ts';
import { ask } from './questions.ts';
import { refusedScreen } from './refusal.ts';
import type { Reply } from './reply.ts';
import { questionScreen, show, toast, withLead } from './screens.ts';
import type { Act, Context, Step } from './step.ts';

const freshSeconds = 24 * 3600;

type AgainAct = Extract<Act, { kind: 'again' }>;

/**
 * "Generate Again": one tap, one order like the earlier one, at the price that is printed on the button. The button's `turn` is in
 * the nonce, so a second tap on the same button is the same order; after it the button gets the next turn and the price of now.
 * Where the price or what videos are made with has changed, the order is older than a day, or credits are missing, nothing is placed:
 * the tap uses up its turn and shows the confirmation of now.
 */
export async function again(act: AgainAct, context: Context, at: ActPlace): Promise<Step> {
  const { texts, terms, balance, userId } = context;
  const { transaction, desk, chatId } = at;
  const own = await readOwnOrder(transaction, act.order, userId);
  if (own === null) return { say: [toast(act.callbackId, texts.toast.foreign)] };
  const draft: Draft = {
    nonce: `again:${own.orderId}:${act.turn}`,
    state: 'confirm',
    photoKey: own.photoKey,
    productText: own.productText,
    template: own.template,
    wishes: own.wishes,
    price: act.price,
    count: 1,
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
  const unchanged = act.price === terms.unitPrice && isAsOffered(own, desk.offer);
  if (unchanged && balance.available >= act.price) return repeat(act, draft, context, at);
  await writeDraft(transaction, userId, chatId, draft, 'dropped');
  const confirm = { ...draft, nonce: context.freshNonce, price: terms.unitPrice };
  const screen = questionScreen(confirm, context);
  const shown = unchanged ? screen : withLead(texts.changedSince, screen);
  return {
    draft: confirm,
    say: [toast(act.callbackId), show(shown, null, confirm.nonce), ...nextTurn(act, context)],
  };
}

/** Whether a new order would be made as the earlier one was, which the person still has before their eyes. */
function isAsOffered(own: Repeatable, offer: Offer): boolean {
  return (
    own.ageSeconds <= freshSeconds &&
    own.provider === offer.provider &&
    own.model === offer.model &&
    own.seconds === offer.seconds &&
    own.aspectRatio === offer.aspectRatio &&
    own.audio === offer.audio
  );
}

/** The progress message is sent first, because the order needs it: if we die here, the worst is a short text too many. */
async function repeat(
  act: AgainAct,
  draft: Draft,
  context: Context,
  { transaction, chatId, desk }: ActPlace,
): Promise<Step> {
  const { texts, terms, userId } = context;
  const { template, productText } = draft;
  if (template === null || productText === null) return {};
  const facts = {
    stage: 'accepted',
    place: null,
    elapsedSeconds: 0,
    usualSeconds: terms.usualSeconds,
    position: 1,
    count: 1,
  } as const;
  const messageId = await desk.telegram.sendMessage(chatId, texts.progress(facts), [], { silent: true });
  const confirmed = { ...draft, template, productText, price: act.price };
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
function nextTurn(act: AgainAct, { texts, terms }: Context): Reply[] {
  if (act.messageId === null) return [];
  const press = { kind: 'again', order: act.order, turn: act.turn + 1, price: terms.unitPrice } as const;
  return [{ kind: 'keyboard', messageId: act.messageId, keyboard: [[{ text: texts.again(terms.unitPrice), press }]] }];
}
