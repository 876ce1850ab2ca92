import { consequences } from '../../support/consequences.ts';
import { forbiddenStatements, type Scene } from '../../support/forbidden-statements.ts';
import { guardRules, historyRules } from '../../support/history-rules.ts';
import type { TestLedger } from '../../support/ledger.ts';
import { refusedBy } from '../../support/refusal.ts';
import { rowRules, statementsOf } from '../../support/row-rules.ts';

/** A sentence that holds for the schema as it is. */
export type SchemaAssertion = {
  readonly sentence: string;
  /** The constraint or trigger it is about. */
  readonly rule: string;
  /** All it says of the schema, to find what else it may be about. */
  readonly text: string;
  /** Whether it leaves something behind, so that it is for a database of its own. */
  readonly commits: boolean;
  /** Undefined while it holds, otherwise what was found; `before` are statements that come first and are undone like all others. */
  readonly broken: (ledger: TestLedger, before: readonly string[]) => Promise<string | undefined>;
};

/** Everything that tests say of the schema by itself: the same tables that the integration tests run. */
export function schemaAssertions(scene: Scene): SchemaAssertion[] {
  return [
    ...rowRules.map((rule) => refusal(`the row that ${rule.rule} refuses`, rule.rule, statementsOf(rule))),
    ...[...forbiddenStatements, ...historyRules, ...guardRules].map(({ sentence, rule, statements }) =>
      refusal(sentence, rule, statements(scene)),
    ),
    ...consequences.map(({ sentence, trigger, commits, follows }) => ({
      sentence,
      rule: trigger,
      text: '',
      commits,
      broken: async (ledger: TestLedger, before: readonly string[]) =>
        (await follows(ledger, before)) ? undefined : 'no longer so',
    })),
  ];
}

function refusal(sentence: string, rule: string, statements: readonly string[]): SchemaAssertion {
  return {
    sentence,
    rule,
    text: statements.join(' '),
    commits: false,
    broken: async (ledger, before) => {
      const by = await refusedBy(ledger.owner, [...before, ...statements]);
      if (by === rule) return undefined;
      return `${rule} refused it, now ${by === 'nothing' ? 'nothing does' : `only ${by} does`}`;
    },
  };
}
