import { type Granted, grantByAdmin, writeOffByAdmin } from '../ledger/grants.ts';
import { type Admin, actOnceOf, type Command, numberOf } from './command.ts';

export const grant: Command = {
  words: 'grant',
  usage: 'PERSON CREDITS --reference REF',
  about: 'books free credits',
  run: (rest, admin) => book(rest, admin, grantByAdmin),
};

export const writeOff: Command = {
  words: 'write-off',
  usage: 'PERSON CREDITS --reference REF',
  about: 'books credits that the books have lost, at our cost',
  run: (rest, admin) => book(rest, admin, writeOffByAdmin),
};

async function book([person, credits]: readonly string[], admin: Admin, by: typeof grantByAdmin): Promise<number> {
  const userId = numberOf(person, 'the number of a person');
  const amount = numberOf(credits, 'the number of credits');
  const act = actOnceOf(admin);
  const booked = await by(admin.database, userId, amount, act);
  const { out, err } = admin.terminal;
  if (booked.outcome === 'unknown-person') {
    err(`The ledger knows no person ${userId}: admin order show names the person of an order.\n`);
    return 1;
  }
  out(`${wordsFor(booked, amount, act.reference)}${booked.debt > 0 ? `, still owed ${booked.debt}` : ''}\n`);
  return 0;
}

function wordsFor({ outcome, available }: Granted, amount: number, reference: string): string {
  if (outcome === 'exists') return `Already booked under ${reference}; available ${available}`;
  return outcome === 'would-grant'
    ? `Would book ${amount}; available now ${available}`
    : `Booked ${amount}; available ${available}`;
}
