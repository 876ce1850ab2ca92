import { z } from 'zod';
import type { Database } from '../../src/postgres/call.ts';
import { listen } from '../../src/postgres/listen.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import type { TestLedger } from './ledger.ts';
import { waitFor } from './wait.ts';

/** What the schema does by itself when something else happens. */
export type Consequence = {
  readonly sentence: string;
  /** What sees to it. */
  readonly trigger: string;
  /** Whether something of it is committed: then it is for a database of one's own. */
  readonly commits: boolean;
  /** `before` are statements that come first, where nothing is committed. */
  readonly follows: (ledger: TestLedger, before?: readonly string[]) => Promise<boolean>;
};

const answer = z.array(z.object({ follows: z.boolean() }));

class Undone extends Error {}

/** Runs the statements and asks; nothing of it commits. */
async function asked(ledger: TestLedger, statements: readonly string[], question: string): Promise<boolean> {
  let follows = false;
  const work = async (database: Database): Promise<void> => {
    for (const statement of statements) await database.query(statement);
    follows = answer.parse((await database.query(question)).rows)[0]?.follows === true;
    throw new Undone();
  };
  await inTransaction(ledger.owner, work).catch((error: unknown) => {
    if (!(error instanceof Undone)) throw error;
  });
  return follows;
}

/** Whoever looks for changed orders finds this one after the statement. */
const seen = (trigger: string, sentence: string, ...statements: string[]): Consequence => ({
  sentence,
  trigger,
  commits: false,
  follows: (ledger, before = []) =>
    asked(
      ledger,
      [
        ...before,
        'create temporary table before on commit drop as select order_id, changed_at from ledger.order_changes',
        'grant select on before to public',
        ...statements,
      ],
      'select exists (select from ledger.order_changes left join before using (order_id) where order_changes.changed_at is distinct from before.changed_at) as follows',
    ),
});

/** Whether a channel tells of the order that something is done to. */
async function told(ledger: TestLedger, channel: string, act: () => Promise<string>): Promise<boolean> {
  const heard = new Set<string>();
  const ready = Promise.withResolvers<void>();
  const stop = new AbortController();
  const listening = listen(ledger.controllerUrl, channel, (payload) => heard.add(payload), stop.signal, {
    onReconnect: ready.resolve,
  });
  try {
    await ready.promise;
    const orderId = await act();
    // The program that did it tells when it has committed.
    await waitFor(() => heard.has(orderId), { what: `${channel} to tell of ${orderId}`, within: 3_000 });
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Waited')) return false;
    throw error;
  } finally {
    stop.abort();
    await listening;
  }
}

const released = "(select order_id from ledger.holds where state = 'released' limit 1)";
const untouched =
  "(select order_id from ledger.holds where state = 'held' and not exists (select from ledger.attempts where attempts.order_id = holds.order_id) limit 1)";

/** An act of an operator that no grant stands on. */
const ungranted = "(select max(action_id) as action_id from ledger.admin_actions where command = 'setting')";

export const consequences: readonly Consequence[] = [
  {
    sentence: 'a transfer moves both balances and leaves an entry for each',
    trigger: 'post_transfer',
    commits: false,
    follows: (ledger, before = []) =>
      asked(
        ledger,
        [
          ...before,
          'create temporary table before on commit drop as select * from ledger.accounts',
          `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, action_id)
             select 'admin:' || action_id, 'grant', user_id, 'sys/grants', 'user/' || user_id || '/available', 5, 5, action_id
             from ledger.people cross join ${ungranted} as action order by user_id limit 1`,
        ],
        `select count(*) = 1 as follows from ledger.transfers join ledger.entries using (transfer_id)
           join ledger.accounts using (account_id) join before using (account_id)
         join ${ungranted} as action using (action_id) where accounts.balance = before.balance + 5
           and accounts.version = before.version + 1 and entries.version = accounts.version`,
      ),
  },
  {
    sentence: 'whatever brings credits repays debt first',
    trigger: 'repay_debt',
    commits: false,
    follows: (ledger, before = []) =>
      asked(
        ledger,
        [
          ...before,
          'alter table ledger.accounts disable trigger user',
          "update ledger.accounts set balance = 3 where account_id = (select min(account_id) from ledger.accounts where account_id like '%/debt')",
          'alter table ledger.accounts enable trigger user',
          `insert into ledger.admin_actions (actor, command, reference, subject, reason, outcome)
             values ('me', 'grant', 'repaid', '{}', 'because', '{}')`,
          `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, action_id)
             select 'admin:' || action_id, 'grant', user_id, 'sys/grants', 'user/' || user_id || '/available', 5, 5, action_id
             from ledger.admin_actions cross join ledger.accounts where reference = 'repaid' and account_id like '%/debt' and balance = 3`,
        ],
        "select count(*) = 1 as follows from ledger.transfers where kind = 'repay' and amount = 3",
      ),
  },
  seen(
    'tell_of_settlement',
    'the end of a hold is told',
    `update ledger.holds set state = 'released', reason = 'Deleted', settled_at = now() where order_id = ${untouched}`,
  ),
  seen(
    'tell_of_new_attempt',
    'a new attempt is told',
    'alter table ledger.attempts disable trigger guard_new_attempt',
    `insert into ledger.attempts (order_id, n) values (${released}, 2)`,
  ),
  seen(
    'tell_of_attempt',
    'a change of an attempt is told',
    'update ledger.attempts set not_before = clock_timestamp()',
  ),
  seen(
    'tell_of_new_delivery',
    'a new delivery is told',
    'alter table ledger.deliveries disable trigger guard_new_delivery',
    `insert into ledger.deliveries (order_id) values (${released})`,
  ),
  seen(
    'tell_of_delivery',
    'a change of a delivery is told',
    'update ledger.deliveries set not_before = clock_timestamp()',
  ),
  seen(
    'tell_of_execution',
    'a new execution is told',
    `insert into ledger.executions (order_id, stage, n, executor, attempt_n) values (${untouched}, 'generation', 1, 'pod', 1)`,
  ),
  seen(
    'tell_of_pause',
    'a pause is told',
    `insert into ledger.pauses values (${untouched}, 'retry-after', tstzrange(now(), now() + interval '5 seconds'))`,
  ),
  {
    sentence: 'the relay hears of a new order',
    trigger: 'tell_of_order',
    commits: true,
    follows: async (ledger) => {
      const placement = ledger.placement(await ledger.person());
      return told(ledger, 'neurocards_relay', async () => {
        await ledger.place(placement);
        return placement.orders[0]?.orderId ?? '';
      });
    },
  },
  {
    sentence: 'the controller hears of an admission',
    trigger: 'tell_of_order',
    commits: true,
    follows: async (ledger) => {
      await ledger.admin.query('select ledger.set_setting($1, $2)', ['live_attempt_limit', '100']);
      const person = await ledger.person();
      return told(ledger, 'neurocards_orders', async () => (await ledger.claimed(person)).orderId);
    },
  },
  {
    sentence: 'the bot hears of a notice',
    trigger: 'tell_of_notice',
    commits: true,
    follows: async (ledger) => {
      const person = await ledger.person();
      return told(ledger, 'neurocards_notices', async () => (await ledger.claimed(person)).orderId);
    },
  },
];
