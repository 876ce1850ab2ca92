import { z } from 'zod';
import { callFunction, type Database } from '../postgres/call.ts';
import { nothing } from '../postgres/row.ts';

/** Where the bot takes callbacks of the provider, before the nonce. */
export const callbackPath = '/kie/callback';

/** A callback said that this submit became this task. Written where it is a begun submit without a known task; believed by nobody yet. */
export const noteCallback = (database: Database, nonce: string, taskId: string): Promise<undefined> =>
  callFunction(database, 'ledger.note_callback', [nonce, taskId], nothing);

const hints = z.array(z.object({ nonce: z.string(), taskId: z.string() }));
export type Hint = z.infer<typeof hints>[number];

/** Hints that are due for a look at the provider's record; each is due again later until it is adopted or refused, for a day. */
export const takeHints = (database: Database, limit: number): Promise<Hint[]> =>
  callFunction(database, 'ledger.take_hints', [limit], hints);

/** The record does not name our address: this task is not of this submit. */
export const refuseHint = (database: Database, { nonce, taskId }: Hint): Promise<undefined> =>
  callFunction(database, 'ledger.refuse_hint', [nonce, taskId], nothing);
