import type { DatabaseFacts } from '../audit/database-facts.ts';
import { compareSides } from '../audit/differences.ts';
import { type BothSides, readBothSides } from './both-sides.ts';
import { withCluster } from './cluster.ts';
import { type Admin, type Command, UsageError } from './command.ts';
import { resolve } from './resolve.ts';
import { describeStep } from './steps.ts';

export const audit: Command = {
  words: 'audit',
  usage: '[--resolve]',
  about: 'compares books and VideoJobs both ways; with --resolve repairs what is certain and ends audit mode',
  run: (rest, admin) => {
    if (rest.length > 0) throw new UsageError('audit takes no words, only --resolve');
    return withCluster(admin.env, async (cluster) => {
      const found = await readBothSides(admin, cluster);
      return admin.options.resolve === true ? resolve(found, admin) : report(found, admin);
    });
  },
};

function report({ facts, mark, books, payments, objects, steps }: BothSides, { terminal: { out } }: Admin): number {
  const differences = compareSides(objects, books);
  const clean =
    facts.state !== 'audit' && differences.length === 0 && books.violations.length === 0 && payments.unmatched === 0;
  out(`${stateOf(facts)}\n`);
  out(
    `PostgreSQL  epoch ${facts.epoch}  mark ${facts.confirmed}  newest transfer ${facts.lastTransfer}  timeline ${facts.timeline}  system ${facts.systemIdentifier}\n`,
  );
  out(
    mark === undefined
      ? 'cluster     no mark\n'
      : `cluster     epoch ${mark.epoch}  mark ${mark.counter}  newest transfer ${mark.lastTransfer}  timeline ${mark.timeline}  system ${mark.systemIdentifier}\n`,
  );
  out(`violations  ${books.violations.length}\n`);
  for (const { invariant, subject, explanation } of books.violations)
    out(`  ${invariant}  ${subject}: ${explanation}\n`);
  if (payments.unmatched > 0) out(`payments    ${payments.unmatched} unmatched: see payment resolve\n`);
  for (const { cause, count, oldestSeconds } of books.unsettled)
    out(`due         ${count} open orders to end as ${cause}, the oldest for ${Math.round(oldestSeconds)} s\n`);
  out(`differences ${differences.length}\n`);
  for (const { kind, orderId, uid, explanation } of differences)
    out(`  ${kind.padEnd(21)} ${orderId}  ${uid ?? '-'}  ${explanation}\n`);
  for (const step of steps) out(`--resolve   ${describeStep(step)}\n`);
  return clean ? 0 : 1;
}

function stateOf({ state, cause, explanation, enteredAt }: DatabaseFacts): string {
  switch (state) {
    case 'audit':
      return `AUDIT MODE since ${enteredAt?.toISOString() ?? '?'} (${cause ?? '?'}): ${explanation ?? '?'}`;
    case 'resolved':
      return 'resolved; the controller is about to write the mark of the new epoch';
    case 'marking':
      return 'no audit mode';
  }
}
