import { type Forgotten, forgetPerson, readObjectsOf } from '../ledger/people.ts';
import type { ActPlace } from './desk.ts';
import { eraseLater } from './erasure.ts';
import { askForgetting, dropTraces, takeForgetting } from './forget-request.ts';
import { plain, type Screen, show, toast, withLead } from './screens.ts';
import type { Act, Context, Step } from './step.ts';

type Answer = Extract<Act, { kind: 'forget'; nonce: string }>;

/** /delete: says what would be lost and asks, unless orders are open. */
export async function askForget(context: Context, at: ActPlace): Promise<Step> {
  const seen = await forgetPerson(at.transaction, context.userId, at.desk.identityOf(context.telegramId), null);
  return { say: [show(await question(seen, context, at))] };
}

/**
 * The tap under that question. It counts once, and only while the figure it was asked with is true; then, in this one transaction,
 * the person is forgotten, what the bot knows of them is dropped, and their VideoJobs, photos and videos are written down to go.
 */
export async function answerForget(answer: Answer, context: Context, at: ActPlace): Promise<Step> {
  const { callbackId, messageId, nonce } = answer;
  const { texts, userId } = context;
  const { transaction, desk, chatId } = at;
  const expected = await takeForgetting(transaction, userId, nonce);
  if (expected === null) return { say: [toast(callbackId, texts.toast.stale)] };
  if (answer.answer === 'no') return { say: [toast(callbackId), show(plain(texts.forget.kept), messageId)] };
  const done = await forgetPerson(transaction, userId, desk.identityOf(context.telegramId), expected);
  if (done.outcome !== 'forgotten') {
    return { say: [toast(callbackId), show(await question(done, context, at), messageId)] };
  }
  const photos = await dropTraces(transaction, userId, chatId);
  await eraseLater(transaction, 'video-job', done.videoJobs);
  await eraseLater(transaction, 'object', [...photos, ...(await readObjectsOf(transaction, userId))]);
  return { say: [toast(callbackId), show(plain(texts.forget.done), messageId)] };
}

async function question(seen: Forgotten, { texts, userId, freshNonce: nonce }: Context, at: ActPlace): Promise<Screen> {
  const { outcome, openOrders, forfeits, debt } = seen;
  if (outcome === 'open-orders') return plain(texts.forget.openOrders({ orders: openOrders }));
  await askForgetting(at.transaction, userId, { nonce, forfeits });
  const screen: Screen = {
    html: texts.forget.ask({ forfeits, debt }),
    keyboard: [
      [{ text: texts.forget.yes({ forfeits }), press: { kind: 'forget', nonce } }],
      [{ text: texts.forget.no, press: { kind: 'keep', nonce } }],
    ],
  };
  return outcome === 'changed' ? withLead(texts.forget.changed, screen) : screen;
}
