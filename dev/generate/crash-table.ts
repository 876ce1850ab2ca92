import { CRASH_TABLE, type CrashRow } from '../../test/faults/crash-table.ts';
import { NAMED_TESTS, type NamedTest } from '../../test/faults/named-tests.ts';

const OWN_TESTS = 'test/faults/rows.test.ts';

/** The crash table for people: every point at which something can die, who repairs it, and the test that makes it happen. */
export const crashTableReference = {
  file: 'docs/reference/crash-table.md',
  text: async (): Promise<string> =>
    [
      '<!-- Written by `npm run generate` from test/faults/crash-table.ts and named-tests.ts. Change it there. -->',
      '',
      '# Crash table',
      '',
      'Every point of an order, a payment or a restore at which something can die, stay silent or come twice; what then remains, and who',
      'repairs it. *Before* is: it died before it reached the other side; *after*: it happened and the answer was lost. S and R say whether the',
      'simulation (`npm run simulate`) and the real bench (`npm run faults`) strike the row; where one cannot, the reason stands below.',
      '',
      '| Row | Step | What happens | Remains | Repaired by | S | R | Test |',
      '|---|---|---|---|---|---|---|---|',
      ...CRASH_TABLE.map(line),
      '',
      '## What a bench cannot strike',
      '',
      ...reasons(),
      '',
    ].join('\n'),
};

function line(row: CrashRow): string {
  const cells = [
    String(row.row),
    `\`${row.step}\``,
    row.happens,
    row.remains,
    row.repairedBy,
    row.simulation === true ? 'yes' : 'no',
    row.real === true ? 'yes' : 'no',
    testOf(row.row),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function testOf(row: number): string {
  const named: NamedTest = NAMED_TESTS[row] ?? { file: OWN_TESTS, title: `row ${row}` };
  return `[${named.title}](../../${named.file})`;
}

/** One line per row and bench that has a reason instead of a strike. */
function reasons(): string[] {
  const found = CRASH_TABLE.flatMap(({ row, simulation, real }) => [
    ...(simulation === true ? [] : [`- Row ${row}, simulation: ${simulation}`]),
    ...(real === true ? [] : [`- Row ${row}, real bench: ${real}`]),
  ]);
  return found.length > 0 ? found : ['Nothing: both strike every row.'];
}
