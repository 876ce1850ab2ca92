import { z } from 'zod';
import { copyDatabase } from '../../support/database.ts';
import { buildScene } from '../../support/forbidden-statements.ts';
import { furnish } from '../../support/furnished-ledger.ts';
import { TestLedger } from '../../support/ledger.ts';
import type { Verdict } from './mutant.ts';
import { type SchemaAssertion, schemaAssertions } from './schema-assertions.ts';
import { brokenByWalking } from './walking.ts';

/** A constraint, trigger or unique index of the schema `ledger`, and the statement that takes it away. */
export type SchemaMutant = {
  readonly name: string;
  readonly table: string;
  /** What it refuses with: its own name, or those in the text of its trigger function. */
  readonly rules: readonly string[];
  readonly drop: string;
};

const rows = z.array(z.object({ name: z.string(), table: z.string(), rules: z.array(z.string()), drop: z.string() }));

// Left out is what PostgreSQL itself does not let go: a column of a primary key, or an identity, that may be empty.
const catalog = `
  select conname || case contype when 'n' then ' (a value is required)' else '' end as name, relname as table,
    array[case contype when 'n' then relname || '.' || attname else conname::text end] as rules,
    format('alter table ledger.%I drop constraint %I cascade', relname, conname) as drop
  from pg_constraint join pg_class on pg_class.oid = conrelid
    left join pg_attribute on contype = 'n' and attrelid = conrelid and attnum = conkey[1]
  where connamespace = 'ledger'::regnamespace and contype in ('c', 'f', 'p', 'u', 'x', 'n')
    and (contype <> 'n' or attidentity = '' and not exists (
      select from pg_constraint as key where key.conrelid = pg_attribute.attrelid and key.contype = 'p' and attnum = any (key.conkey)))
union all
  select tgname, relname,
    array[tgname::text] || array(select found[1] from regexp_matches(prosrc, 'refuse\\(''([a-z_]+)''', 'g') as found)
      || case when proname = 'refuse_change' then array[relname || '_never_vanishes', relname || '_never_changes'] else '{}' end,
    format('drop trigger %I on ledger.%I', tgname, relname)
  from pg_trigger join pg_class on pg_class.oid = tgrelid join pg_proc on pg_proc.oid = tgfoid
  where relnamespace = 'ledger'::regnamespace and not tgisinternal
union all
  select relname, (select relname from pg_class as owning where owning.oid = indrelid), array[relname::text], format('drop index ledger.%I', relname)
  from pg_index join pg_class on pg_class.oid = indexrelid
  where relnamespace = 'ledger'::regnamespace and indisunique and not exists (select from pg_constraint where conindid = indexrelid)
order by 2, 1`;

/** A migrated database with a row in every table, and what is said of it. */
export class FurnishedDatabase {
  readonly #serverUrl: string;
  readonly #ledger: TestLedger;
  readonly #assertions: readonly SchemaAssertion[];
  readonly #name: string;

  private constructor(serverUrl: string, name: string, ledger: TestLedger, assertions: readonly SchemaAssertion[]) {
    this.#serverUrl = serverUrl;
    this.#name = name;
    this.#ledger = ledger;
    this.#assertions = assertions;
  }

  /** Furnishes a copy of the template, and hears every sentence about the schema hold there. */
  static async make(serverUrl: string, template: string): Promise<FurnishedDatabase> {
    const { name, ...database } = await copyDatabase(serverUrl, template);
    const maker = await TestLedger.open({ ...database, name, drop: async () => undefined });
    await furnish(maker);
    const assertions = schemaAssertions(await buildScene(maker));
    // Nobody may be connected to what is copied, so the sentences are asked on a copy from the beginning.
    await maker.close();
    const ledger = await TestLedger.open(await copyDatabase(serverUrl, name));
    const furnished = new FurnishedDatabase(serverUrl, name, ledger, assertions);
    for (const { sentence, broken, commits } of assertions) {
      const found = commits ? undefined : await broken(ledger, []);
      if (found !== undefined) throw new Error(`Nothing is dropped yet, and "${sentence}" is broken: ${found}`);
    }
    return furnished;
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }

  /** What the schema consists of. */
  async mutants(): Promise<SchemaMutant[]> {
    const found = rows.parse(await this.#ledger.rows(catalog));
    return found.map((row) => ({ ...row, name: `${row.table}: without ${row.name}` }));
  }

  /**
   * Drops it and asks every sentence, those about it first, each in a transaction that is undone; what is left is asked on a copy,
   * where orders walk about too.
   */
  async try(mutant: SchemaMutant, walks = 3): Promise<Verdict> {
    const sentences = inOrder(mutant, this.#assertions);
    const broken =
      (await firstBroken(
        this.#ledger,
        sentences.filter(({ commits }) => !commits),
        [mutant.drop],
      )) ??
      (await this.#onCopy(async (ledger) => {
        await ledger.superuser.query(mutant.drop);
        const committing = sentences.filter(({ commits }) => commits);
        return (await firstBroken(ledger, committing, [])) ?? (await brokenByWalking(ledger, walks));
      }));
    return broken === undefined
      ? { mutant: mutant.name, caught: false, by: 'every sentence about the schema still holds, and so do walks' }
      : { mutant: mutant.name, caught: true, by: broken };
  }

  async #onCopy<T>(use: (ledger: TestLedger) => Promise<T>): Promise<T> {
    const copy = await TestLedger.open(await copyDatabase(this.#serverUrl, this.#name));
    try {
      return await use(copy);
    } finally {
      await copy.close();
    }
  }
}

/** A sentence that cannot even be asked, because its statements no longer run, says nothing about the rule. */
async function firstBroken(
  ledger: TestLedger,
  assertions: readonly SchemaAssertion[],
  before: readonly string[],
): Promise<string | undefined> {
  for (const { sentence, broken } of assertions) {
    const found = await broken(ledger, before).catch(() => undefined);
    if (found !== undefined) return `"${sentence}": ${found}`;
  }
  return undefined;
}

function inOrder({ rules, table }: SchemaMutant, assertions: readonly SchemaAssertion[]): SchemaAssertion[] {
  const near = ({ rule, text }: SchemaAssertion): number =>
    rules.includes(rule) ? rules.indexOf(rule) : text.includes(`ledger.${table}`) ? 1000 : 2000;
  return assertions.toSorted((a, b) => near(a) - near(b));
}
