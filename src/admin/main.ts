import { parseArgs } from 'node:util';
import { parseEnvironment } from '../config/environment.ts';
import { ruleOf } from '../postgres/errors.ts';
import { createPool } from '../postgres/pool.ts';
import { audit } from './audit.ts';
import { type Command, type Options, UsageError } from './command.ts';
import { adminEnvironment } from './config.ts';
import { grant, writeOff } from './credits.ts';
import { releaseFinalizers } from './finalizers.ts';
import { packageSet, promoSet } from './offers.ts';
import { orderClose, orderReclaim, orderShow } from './order.ts';
import { paymentRefund, paymentResolve } from './payment.ts';
import { personBan, personShow, personUnban } from './person.ts';
import { settings } from './settings.ts';
import { processTerminal, type Terminal } from './terminal.ts';

const commands: readonly Command[] = [
  orderShow,
  orderClose,
  orderReclaim,
  personShow,
  personBan,
  personUnban,
  grant,
  writeOff,
  paymentRefund,
  paymentResolve,
  packageSet,
  promoSet,
  settings,
  audit,
  releaseFinalizers,
];

const help = `${commands.map(({ words, usage, about }) => `neurocards admin ${words} ${usage}\n    ${about}`).join('\n')}

Whatever changes something says who and why, and leaves a row in ledger.admin_actions:
  --reason "..."      why; may be left out with --dry-run
  --actor NAME        who, where NEUROCARDS_ACTOR or the login does not say it
  --reference REF     a ticket or any word that is never used twice: the same act under it is done once
  --dry-run           only says what would be done

PERSON is the ledger's own number (order show names it; person --telegram finds it). Exit codes: 0 done, 1 refused, not found or
different, 2 misused. Settings: NEUROCARDS_DATABASE_URL of the role admin; for VideoJobs NEUROCARDS_NAMESPACE and KUBECONFIG; for audit and
release-finalizers NEUROCARDS_OWN_NAMESPACE, for audit NEUROCARDS_MAC_KEY.
`;

const options = {
  help: { type: 'boolean', short: 'h' },
  reference: { type: 'string' },
  reason: { type: 'string' },
  actor: { type: 'string' },
  'dry-run': { type: 'boolean' },
  forfeit: { type: 'boolean' },
  resolve: { type: 'boolean' },
  telegram: { type: 'boolean' },
  limit: { type: 'string' },
  until: { type: 'string' },
  withdrawn: { type: 'boolean' },
} as const;

/** The operator's command line. Answers the exit code: 0 done, 1 not found or refused, 2 misused. */
export async function run(
  args: readonly string[],
  variables: NodeJS.ProcessEnv,
  terminal: Terminal = processTerminal,
): Promise<number> {
  let words: readonly string[];
  let given: Options & { readonly help?: boolean | undefined };
  try {
    ({ values: given, positionals: words } = parseArgs({ args: [...args], allowPositionals: true, options }));
  } catch (error) {
    return complain(error, terminal);
  }
  if (given.help === true || words.length === 0) {
    terminal.out(help);
    return given.help === true ? 0 : 2;
  }
  const env = parseEnvironment(adminEnvironment, variables, { service: 'admin' });
  const database = createPool(env.NEUROCARDS_DATABASE_URL, { applicationName: 'neurocards-admin', max: 2 });
  try {
    const command = commandOf(words);
    return await command.run(words.slice(command.words.split(' ').length), { database, env, terminal, options: given });
  } catch (error) {
    return complain(error, terminal, given.reference);
  } finally {
    await database.end();
  }
}

/** The longest words that fit: "person ban 7" is not about a person called ban. */
function commandOf(words: readonly string[]): Command {
  const fits = commands.filter((one) => one.words === words.slice(0, one.words.split(' ').length).join(' '));
  const [command] = fits.toSorted((a, b) => b.words.length - a.words.length);
  if (command === undefined)
    throw new UsageError(`there is no command "${words.slice(0, 2).join(' ')}"; see neurocards admin --help`);
  return command;
}

function complain(error: unknown, terminal: Terminal, reference = ''): number {
  const reused = ruleOf(error) === 'admin_reference_reused';
  const said = reused
    ? `the reference ${reference} was used for another act; nothing was done, take a new one`
    : error instanceof Error
      ? error.message
      : String(error);
  terminal.err(`neurocards admin: ${said}\n`);
  return error instanceof UsageError || (error instanceof TypeError && 'code' in error) ? 2 : 1;
}
