import { banPerson, type PersonRecord, readPerson } from '../ledger/oversight.ts';
import { type Admin, actOnceOf, type Command, numberOf } from './command.ts';

export const personShow: Command = {
  words: 'person',
  usage: 'PERSON | ID --telegram',
  about: 'balance, orders, payments, grants and what was done by hand',
  async run([word], { database, options, terminal: { out, err } }) {
    const number = numberOf(word, 'the number of a person');
    const person = await readPerson(database, options.telegram === true ? { telegramId: number } : { userId: number });
    if (person === null) {
      err(
        options.telegram === true
          ? 'The ledger knows nobody with this Telegram id.\n'
          : `The ledger knows no person ${number}: admin order show names the person of an order.\n`,
      );
      return 1;
    }
    out(renderPerson(person));
    return 0;
  },
};

export const personBan: Command = {
  words: 'person ban',
  usage: 'PERSON --reference REF',
  about: 'no orders, invoices or codes for this person; what they have stays theirs',
  run: (rest, admin) => setBan(rest, admin, true),
};

export const personUnban: Command = {
  words: 'person unban',
  usage: 'PERSON --reference REF',
  about: 'takes the ban back',
  run: (rest, admin) => setBan(rest, admin, false),
};

async function setBan([word]: readonly string[], admin: Admin, ban: boolean): Promise<number> {
  const userId = numberOf(word, 'the number of a person');
  const { outcome } = await banPerson(admin.database, userId, ban, actOnceOf(admin));
  const said = {
    banned: `Person ${userId} is banned`,
    allowed: `Person ${userId} is not banned any more`,
    exists: `Person ${userId} ${ban ? 'was banned' : 'was not banned'} already`,
    'would-be-banned': `Person ${userId} would be banned`,
    'would-be-allowed': `Person ${userId} would not be banned any more`,
    'unknown-person': `The ledger knows no person ${userId}.`,
  }[outcome];
  if (outcome === 'unknown-person') admin.terminal.err(`${said}\n`);
  else admin.terminal.out(`${said}\n`);
  return outcome === 'unknown-person' ? 1 : 0;
}

/** The page an SRE reads about one person: no Telegram id, nothing they wrote. Pure. */
export function renderPerson(person: PersonRecord): string {
  const { balance, orders, lastOrders, payments, grants, actions } = person;
  const lines = [
    `person     ${person.userId}  ${person.language}  since ${day(person.createdAt)}  seen ${day(person.seenAt)}` +
      `${person.bannedAt === null ? '' : `  BANNED ${day(person.bannedAt)}`}` +
      `${person.forgotten ? '  had themselves forgotten' : ''}` +
      `${person.unreachableSince === null ? '' : `  unreachable since ${day(person.unreachableSince)}`}`,
    `balance    available ${balance.available} (${balance.free} free)  held ${balance.held}  debt ${balance.debt}`,
    `orders     open ${orders.held ?? 0}  captured ${orders.captured ?? 0}  released ${orders.released ?? 0}`,
    `invited    ${person.referred}${person.referredBy === null ? '' : `  by person ${person.referredBy}`}`,
    ...lastOrders.map(
      (one) => `  order    ${one.orderId}  ${day(one.at)}  ${one.credits}  ${one.state}  ${one.reason ?? ''}`,
    ),
    ...payments.map(
      (one) =>
        `  payment  ${one.chargeId}  ${day(one.at)}  ${one.stars} Stars  ${one.credits} credits  ${one.source}` +
        `${one.refund === null ? '' : `  refund ${one.refund}`}${one.chargedBackAt === null ? '' : `  charged back ${day(one.chargedBackAt)}`}`,
    ),
    ...grants.map((one) => `  ${one.kind.padEnd(8)} ${one.amount}  ${day(one.at)}  ${one.key}`),
    ...actions.map(
      (one) => `  by hand  ${day(one.at)}  ${one.command} by ${one.actor} (${one.reference ?? '-'}): ${one.reason}`,
    ),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function day(instant: Date): string {
  return `${instant.toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
