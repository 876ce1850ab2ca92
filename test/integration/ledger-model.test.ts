import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { difference } from '../simulation/check/comparison.ts';
import { PLAYER_SQL } from '../simulation/check/player.ts';
import { replay } from '../simulation/check/replay.ts';
import { Sequence } from '../simulation/check/sequence.ts';
import { stateDifference } from '../simulation/check/states.ts';
import { createTestDatabase } from '../support/database.ts';

// The same part at every run, so that a red one is about the change at hand; more, and others, by these variables.
const sequences = Number(process.env['NEUROCARDS_SEQUENCES'] ?? 400);
const seed = Number(process.env['NEUROCARDS_SEQUENCES_SEED'] ?? 20_261_128);
/** One database for each connection, so that they never wait for each other's locks. */
const lanes = 2;

const played = z.object({
  answers: z.array(z.unknown()),
  instants: z.array(z.string()),
  state: z.looseObject({ at: z.string(), violations: z.array(z.object({ explanation: z.string() })) }),
});

/** Of answers that a provider would never give: the same submit refused and accepted. The audit has to say so. */
const contradiction = /a task for a submit that was answered as surely refused|the provider made another task/;

const clients: pg.Client[] = [];
const drops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  expect(inject('postgresUrl')).toBeTruthy();
  for (let lane = 0; lane < lanes; lane += 1) {
    const database = await createTestDatabase();
    const client = new pg.Client({ connectionString: database.ownerUrl });
    await client.connect();
    await client.query('set synchronous_commit = off');
    await client.query(PLAYER_SQL);
    for (const user of [1, 2]) {
      await client.query("select ledger.register_person($1, 'en')", [1_000 + user]);
      await client.query("select ledger.record_consent($1, '1')", [user]);
      await client.query("select ledger.grant_by_admin($1, 4, $2, 'test', 'test', false)", [user, `grant-${user}`]);
    }
    clients.push(client);
    drops.push(database.drop);
  }
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await Promise.all(drops.map((drop) => drop()));
});

/** Plays one sequence on both; answers where they differ. */
async function disagreement(client: pg.Client, sequenceSeed: number): Promise<string | null> {
  const sequence = new Sequence(sequenceSeed, Date.now());
  const steps = sequence.steps.map((step) =>
    'args' in step
      ? {
          ...step,
          args: step.args.map((arg) =>
            typeof arg === 'object' && arg !== null && 'ref' in arg ? { ref: arg.ref } : arg,
          ),
        }
      : step,
  );
  await client.query('begin');
  let answer: z.infer<typeof played>;
  try {
    const { rows } = await client.query<{ answer: unknown }>('select player.play($1, $2) as answer', [
      JSON.stringify(steps),
      // The audit's view looks at every row: now and then is enough.
      sequenceSeed % 20 === 0,
    ]);
    answer = played.parse(rows[0]?.answer);
  } finally {
    await client.query('rollback');
  }
  const model = replay(
    sequence.steps,
    answer.instants.map((text) => Date.parse(text)),
  );
  for (const [index, { step, answer: modelled, at }] of model.answered.entries()) {
    const found = difference(answer.answers[index], modelled, at, at);
    if (found !== null) {
      const before = sequence.steps.slice(Math.max(0, index - 12), index + 1);
      return `seed ${sequenceSeed}, step ${index} (${'fn' in step ? step.fn : 'time'}): ${found}\n${before.map((one) => JSON.stringify(one)).join('\n')}`;
    }
  }
  const state = stateDifference(answer.state, model.tables, Date.parse(answer.state.at));
  if (state !== null) return `seed ${sequenceSeed}, at its end: ${state}`;
  const bugs = answer.state.violations.filter(({ explanation }) => !contradiction.test(explanation));
  if (bugs.length > 0) return `seed ${sequenceSeed}: violations ${JSON.stringify(bugs)}`;
  return null;
}

it(`the simulation's model of PostgreSQL answers ${sequences} random sequences of calls as the real functions do`, {
  timeout: 60_000 + 300 * sequences,
}, async () => {
  const called = new Set<string>();
  const wrong: string[] = [];
  await Promise.all(
    clients.map(async (client, lane) => {
      for (let index = lane; index < sequences && wrong.length < 5; index += lanes) {
        let found = await disagreement(client, seed + index);
        // A machine that slept in mid-sequence is no disagreement: a real one comes every time.
        for (let again = 0; found !== null && again < 2; again += 1) found = await disagreement(client, seed + index);
        if (found !== null) wrong.push(found);
        for (const step of new Sequence(seed + index, 0).steps) if (index < 500 && 'fn' in step) called.add(step.fn);
      }
    }),
  );
  expect(wrong.join('\n\n')).toBe('');
  expect(called.size).toBeGreaterThan(45);
});
