import { z } from 'zod';
import { language } from '../ledger/people.ts';
import { callFunction, type Database } from '../postgres/call.ts';
import { credits, nothing, orderId } from '../postgres/row.ts';

const notice = z.object({
  noticeId: z.number().int(),
  orderId,
  userId: z.number().int(),
  chatId: z.number(),
  language,
  /** Which of how many orders that were placed with one tap. */
  position: z.number().int(),
  count: z.number().int(),
  /** The progress message, or null when there is none yet. For a summary: a message that may say it too. */
  messageId: z.number().int().nullable(),
  /** Facts for the text; which of them are present depends on `kind`. */
  available: credits,
  /** What they owe: credits that come back pay it first. */
  debt: credits,
  unitPrice: credits,
  fact: z.discriminatedUnion('kind', [
    /** Edits of the progress message, until `succeeded`. */
    z.object({
      kind: z.literal('progress'),
      stage: z.enum(['accepted', 'queued', 'preparing', 'generating']),
      place: z.number().int().nullable(),
      usualSeconds: z.number(),
      elapsedSeconds: z.number(),
      cancellable: z.boolean(),
    }),
    /** Short new messages. */
    z.object({ kind: z.literal('slow'), usualSeconds: z.number() }),
    z.object({ kind: z.literal('delivered'), credits, othersOpen: z.boolean().default(false) }),
    z.object({ kind: z.literal('failed'), reason: z.string(), failureClass: z.string().nullable(), returned: credits }),
    z.object({ kind: z.literal('unconfirmed'), credits }),
    /** The end of a group. `kept`: charged, and not surely on the screen. */
    z.object({
      kind: z.literal('summary'),
      shown: z.number().int(),
      kept: z.number().int(),
      charged: credits,
      returned: credits,
      failures: z.array(z.object({ reason: z.string(), failureClass: z.string().nullable() })),
    }),
  ]),
});
export type Notice = z.infer<typeof notice>;
const taken = z.array(notice);

/** Leases due notices for 25 s; per chat in order, a newer progress fact replaces an older unsent one. */
export const takeNotices = (database: Database, owner: string, limit: number): Promise<Notice[]> =>
  callFunction(database, 'ledger.take_notices', [owner, limit], taken);

export type NoticeEnd = 'sent' | 'unreachable' | 'gone' | 'unknown';
/** The notice needs nothing more; repeated calls do nothing. `unreachable` also marks the person. */
export const endNotice = (database: Database, noticeId: number, end: NoticeEnd): Promise<undefined> =>
  callFunction(database, 'ledger.end_notice', [noticeId, end], nothing);

/** Sends it again later: a definite "not now". */
export const postponeNotice = (database: Database, noticeId: number, seconds: number): Promise<undefined> =>
  callFunction(database, 'ledger.postpone_notice', [noticeId, seconds], nothing);
