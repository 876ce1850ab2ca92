import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parseEnvironment } from '../config/environment.ts';
import { grantByAdmin } from '../ledger/grants.ts';
import { closeOrder } from '../ledger/settlement.ts';
import { ruleOf } from '../postgres/errors.ts';
import { createPool, type DatabasePool } from '../postgres/pool.ts';
import { ORDER_ID_PATTERN } from '../videojob/order-id.ts';
import { adminEnvironment } from './config.ts';
import { readOrder } from './order-rows.ts';
import { describeVideoJob, renderOrder } from './order-show.ts';
import { changeSetting, showSettings } from './settings.ts';
import { processTerminal, type Terminal } from './terminal.ts';

const help = `neurocards admin order show ORDER             who waits and why: hold, VideoJob, attempts, delivery, next step
neurocards admin order close ORDER --forfeit  gives the credits back although a paid task may run
neurocards admin grant PERSON CREDITS --reference REF
                                             books credits; the same reference never books twice
neurocards admin settings [NAME VALUE]        shows or changes what the ledger sells by, e.g. accepting_orders false

PERSON is the ledger's own number (shown by order show). Settings: NEUROCARDS_DATABASE_URL of the role admin,
NEUROCARDS_NAMESPACE and KUBECONFIG to look at VideoJobs too.
`;

/** What was asked for cannot be done as it was written. */
class UsageError extends Error {
  readonly reason = 'Usage';
}

type Words = readonly string[];

/** The operator's command line. Answers the exit code: 0 done, 1 not found or refused, 2 misused. */
export async function run(
  args: readonly string[],
  variables: NodeJS.ProcessEnv,
  terminal: Terminal = processTerminal,
): Promise<number> {
  let words: Words;
  let options: { help?: boolean | undefined; forfeit?: boolean | undefined; reference?: string | undefined };
  try {
    ({ values: options, positionals: words } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' }, forfeit: { type: 'boolean' }, reference: { type: 'string' } },
    }));
  } catch (error) {
    return complain(error, terminal);
  }
  if (options.help === true || words.length === 0) {
    terminal.out(help);
    return options.help === true ? 0 : 2;
  }
  const env = parseEnvironment(adminEnvironment, variables, { service: 'admin' });
  const database = createPool(env.NEUROCARDS_DATABASE_URL, { applicationName: 'neurocards-admin', max: 2 });
  try {
    const command = words.slice(0, words[0] === 'order' ? 2 : 1).join(' ');
    const rest = words.slice(command.split(' ').length);
    switch (command) {
      case 'order show':
        return await show(orderOf(rest), database, env.NEUROCARDS_NAMESPACE, terminal);
      case 'order close':
        return await close(orderOf(rest), options.forfeit === true, database, terminal);
      case 'grant':
        return await grant(rest, options.reference, database, terminal);
      case 'settings':
        return rest.length === 0
          ? await showSettings(database, terminal)
          : await changeSetting(rest, database, terminal);
      default:
        throw new UsageError(`there is no command "${command}"; see neurocards admin --help`);
    }
  } catch (error) {
    return complain(error, terminal);
  } finally {
    await database.end();
  }
}

async function show(
  orderId: string,
  database: DatabasePool,
  namespace: string | undefined,
  { out, err }: Terminal,
): Promise<number> {
  const record = await readOrder(database, orderId);
  if (record === null) {
    err(`The ledger knows no order ${orderId}: compare it with the name of the VideoJob (vj-<order>).\n`);
    return 1;
  }
  out(renderOrder(record, await describeVideoJob(orderId, namespace)));
  return 0;
}

async function close(
  orderId: string,
  forfeit: boolean,
  database: DatabasePool,
  { out, err }: Terminal,
): Promise<number> {
  if (!forfeit) throw new UsageError('closing an order by hand may give up a paid task: say --forfeit');
  const closed = await closeOrder(database, orderId, null, 'Forfeit');
  if (closed.settled === null) {
    err(`Not closed: ${closed.because}.\n`);
    return 1;
  }
  out(`${orderId} ${closed.settled.outcome}: ${closed.settled.reason}\n`);
  return 0;
}

const positive = z.coerce.number().int().positive();

async function grant(
  [person, credits]: Words,
  reference: string | undefined,
  database: DatabasePool,
  { out, err }: Terminal,
): Promise<number> {
  const userId = positive.safeParse(person);
  const amount = positive.safeParse(credits);
  if (!userId.success || !amount.success)
    throw new UsageError('grant needs the number of a person and a whole number of credits');
  if (reference === undefined)
    throw new UsageError('grant needs --reference: a ticket or any word that is never used twice');
  const act = { reference, actor: userInfo().username, reason: 'granted by hand', dryRun: false };
  const granted = await grantByAdmin(database, userId.data, amount.data, act).catch((error: unknown) => {
    if (ruleOf(error) !== 'admin_reference_reused') throw error;
    return { outcome: 'reused' } as const;
  });
  if (granted.outcome === 'reused') {
    err(`neurocards admin: the reference ${reference} was used for another act; nothing was booked, take a new one\n`);
    return 1;
  }
  if (granted.outcome === 'unknown-person') {
    err(`The ledger knows no person ${userId.data}: admin order show names the person of an order.\n`);
    return 1;
  }
  out(
    granted.outcome === 'exists'
      ? `Already booked under ${reference}; available ${granted.available}\n`
      : `Booked ${amount.data}; available ${granted.available}\n`,
  );
  return 0;
}

function orderOf([word]: Words): string {
  const id = (word ?? '').replace(/^vj-/, '');
  if (!ORDER_ID_PATTERN.test(id)) throw new UsageError('name an order: 12 letters and digits, as in vj-<order>');
  return id;
}

function complain(error: unknown, terminal: Terminal): number {
  terminal.err(`neurocards admin: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof UsageError || (error instanceof TypeError && 'code' in error) ? 2 : 1;
}
