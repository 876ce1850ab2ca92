import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { FurnishedDatabase } from '../faults/mutants/schema.ts';
import { TEMPLATE_DATABASE } from '../setup/template.ts';

let furnished: FurnishedDatabase;

beforeAll(async () => {
  furnished = await FurnishedDatabase.make(inject('postgresUrl'), TEMPLATE_DATABASE);
});

afterAll(() => furnished.close());

describe('the tests of the ledger', () => {
  it('notice every constraint, trigger and unique index that is taken away', { timeout: 900_000 }, async () => {
    const survivors: string[] = [];
    for (const mutant of await furnished.mutants()) {
      const verdict = await furnished.try(mutant, 0);
      if (!verdict.caught) survivors.push(`${verdict.mutant}: ${verdict.by}`);
    }
    expect(survivors).toEqual([]);
  });
});
