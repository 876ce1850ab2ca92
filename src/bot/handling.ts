import { knowsPerson, type Person, readBalance, readOpenOrders, readTerms, registerPerson } from '../ledger/people.ts';
import type { Database } from '../postgres/call.ts';
import type { DatabasePool } from '../postgres/pool.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { isUnavailable } from '../postgres/unavailable.ts';
import { TelegramError } from '../telegram/error.ts';
import { updateSchema } from '../telegram/update.ts';
import { textsIn } from '../texts/texts.ts';
import { perform } from './acts.ts';
import { converse } from './conversation.ts';
import type { Desk } from './desk.ts';
import { closeDraft, putDraft, readDraft, readDraftFate } from './draft.ts';
import { type FromPerson, hear } from './event.ts';
import { decided, done, type InboxRow, sayLater, takeUpdate, tryLater } from './inbox.ts';
import { newNonce } from './nonce.ts';
import { type Reply, readReplies, say } from './reply.ts';
import { plain, show, toast } from './screens.ts';
import type { Context, Step } from './step.ts';

export const maxTries = 3;
/** Trouble outside does not put an update aside, but neither may it block a chat for ever. */
const patienceSeconds = 900;

export type Handled = 'nothing' | 'decided' | 'handled' | 'ignored' | 'failed' | 'later';

/**
 * Does the next piece of work of the inbox: decides one update, its effects and its done mark in one transaction, or says what
 * was decided. Killed at any point it is done again by whoever comes next.
 */
export async function handleNext(pool: DatabasePool, desk: Desk): Promise<Handled> {
  const taken: { row?: InboxRow } = {};
  try {
    return await inTransaction(pool, async (transaction) => {
      const row = await takeUpdate(transaction);
      if (row === undefined) return 'nothing';
      taken.row = row;
      if (row.replies !== null) return sayAll(row, transaction, desk);
      const replies = await decide(row, transaction, desk);
      if (replies === undefined) {
        await done(transaction, row.seq, 'ignored');
        return 'ignored';
      }
      await decided(transaction, row.seq, replies);
      return 'decided';
    });
  } catch (error) {
    if (taken.row === undefined) throw error;
    return setAside(taken.row, error, pool, desk);
  }
}

async function decide(row: InboxRow, transaction: Database, desk: Desk): Promise<Reply[] | undefined> {
  const heard = hear(updateSchema.parse(row.body));
  if (heard === undefined) return undefined;
  if ('group' in heard) return [show(plain(textsIn(heard.group).privateOnly))];
  if (await isStranger(heard, desk)) return answerStranger(heard);
  // By itself, so that the row of the person is not locked while a photo is fetched.
  const person = await registerPerson(
    desk.database,
    heard.telegramId,
    heard.language,
    desk.identityOf(heard.telegramId),
  );
  const context = await readContext(person, heard, transaction, desk);
  const step = converse(context, heard.event);
  const said = await carryOut(step, context, row.chat_id, transaction);
  if (step.act === undefined) return said;
  const outcome = await perform(step.act, context, { transaction, chatId: row.chat_id, desk });
  return [...said, ...(await carryOut(outcome, context, row.chat_id, transaction))];
}

/** Writing to us is a beginning; an old button, and being let in again, is none: nobody who was forgotten is made known by it. */
async function isStranger({ event, telegramId }: FromPerson, desk: Desk): Promise<boolean> {
  if (event.kind !== 'press' && event.kind !== 'returned') return false;
  return !(await knowsPerson(desk.database, telegramId));
}

function answerStranger({ event, language }: FromPerson): Reply[] {
  return event.kind === 'press' ? [toast(event.callbackId, textsIn(language).toast.stale)] : [];
}

async function readContext(
  person: Person,
  { event, telegramId }: FromPerson,
  database: Database,
  desk: Desk,
): Promise<Context> {
  const { userId, language, consentedAt, referralCode } = person;
  const command = event.kind === 'command' ? event.name : null;
  const nonce =
    event.kind === 'press' && event.press !== undefined && 'nonce' in event.press ? event.press.nonce : null;
  return {
    userId,
    telegramId,
    language,
    texts: textsIn(language),
    consented: consentedAt !== null,
    draft: await readDraft(database, userId),
    terms: await readTerms(database, desk.offer.model),
    balance: await readBalance(database, userId),
    contact: desk.contact,
    freshNonce: newNonce(),
    pressed: nonce === null ? null : await readDraftFate(database, nonce),
    invitation: command === 'balance' ? await desk.invitation(referralCode) : null,
    openOrders: command === 'cancel' ? await readOpenOrders(database, userId) : [],
  };
}

async function carryOut(step: Step, context: Context, chatId: number, transaction: Database): Promise<Reply[]> {
  if (step.draft === 'drop') {
    if (context.draft !== null) await closeDraft(transaction, context.draft.nonce, 'dropped');
  } else if (step.draft !== undefined) {
    await putDraft(transaction, context.userId, chatId, step.draft);
  }
  return step.say ?? [];
}

async function sayAll(row: InboxRow, transaction: Database, desk: Desk): Promise<Handled> {
  const replies = readReplies(row.replies);
  for (const [index, reply] of replies.entries()) {
    try {
      await say(reply, row.chat_id, { telegram: desk.telegram, database: transaction, log: desk.log });
    } catch (error) {
      if (!(error instanceof TelegramError)) throw error;
      return notSaid(row, replies.slice(index), error, transaction, desk);
    }
  }
  await done(transaction, row.seq, 'handled');
  return 'handled';
}

/** An unknown outcome is said once more: a question that never came would leave the person waiting, a double one only repeats itself. */
async function notSaid(
  row: InboxRow,
  left: readonly Reply[],
  error: TelegramError,
  transaction: Database,
  { log }: Desk,
): Promise<Handled> {
  const { seq, update_id: update } = row;
  if (error.meaning === 'unreachable') {
    await done(transaction, seq, 'unreachable');
    return 'handled';
  }
  const isOutside = error.meaning === 'retry-later' || error.meaning === 'unknown';
  if ((isOutside && row.age_seconds < patienceSeconds) || (!isOutside && row.tries + 1 < maxTries)) {
    log.warn({ err: error, update }, 'a reply was not sent; it is sent again later');
    await sayLater(transaction, seq, left, Math.max(1, error.retryAfterSeconds, isOutside ? 2 : 1), !isOutside);
    return 'later';
  }
  log.error({ err: error, update }, 'a reply could not be sent and is given up');
  await done(transaction, seq, 'quarantined');
  return 'failed';
}

/** The transaction is rolled back: nothing came of the update yet. */
async function setAside(row: InboxRow, error: unknown, pool: DatabasePool, desk: Desk): Promise<Handled> {
  const { seq, update_id: update } = row;
  if (isOutsideTrouble(error) && row.age_seconds < patienceSeconds) {
    desk.log.warn({ err: error, update }, 'an update waits for trouble outside to end');
    await tryLater(pool, seq, error instanceof TelegramError ? Math.max(1, error.retryAfterSeconds) : 1, false);
    return 'later';
  }
  if (row.tries + 1 < maxTries) {
    desk.log.warn({ err: error, update }, 'an update failed and is tried again');
    await tryLater(pool, seq, 1, true);
    return 'later';
  }
  desk.log.error({ err: error, update }, 'an update failed three times and is put aside: see bot.inbox');
  await done(pool, seq, 'quarantined');
  await apologise(row, desk);
  return 'failed';
}

async function apologise(row: InboxRow, desk: Desk): Promise<void> {
  const parsed = updateSchema.safeParse(row.body);
  const heard = parsed.success ? hear(parsed.data) : undefined;
  if (heard === undefined || 'group' in heard) return;
  try {
    await desk.telegram.sendMessage(row.chat_id, textsIn(heard.language).ourFault({ contact: desk.contact }), []);
  } catch (error) {
    desk.log.warn({ err: error, update: row.update_id }, 'the apology was not sent');
  }
}

function isOutsideTrouble(error: unknown): boolean {
  if (error instanceof TelegramError) return error.meaning === 'retry-later' || error.meaning === 'unknown';
  if (error instanceof Error && 'reason' in error && error.reason === 'Conflict') return true;
  return isUnavailable(error);
}
