import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { CATALOGUE } from '../../src/metrics/catalogue.ts';
import { anchorsIn } from './links.ts';

const ROOT = join(import.meta.dirname, '../..');
const RULES = join(ROOT, 'charts/neurocards/files/rules');

const ruleFile = z.strictObject({
  groups: z
    .array(
      z.strictObject({
        name: z.string(),
        rules: z
          .array(
            z.strictObject({
              alert: z.string().regex(/^Neurocards[A-Z][A-Za-z]+$/),
              expr: z.string(),
              for: z.string(),
              labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
              annotations: z.strictObject({ summary: z.string(), description: z.string() }),
            }),
          )
          .length(1),
      }),
    )
    .length(1),
});

const alerts = readdirSync(RULES).map((file) => {
  const [group] = ruleFile.parse(parse(readFileSync(join(RULES, file), 'utf8'))).groups;
  const [rule] = group?.rules ?? [];
  if (rule === undefined) throw new Error(`${file} holds no alert.`);
  return rule;
});

/** What a PromQL expression selects, and where it cannot be read. */
function read(expr: string): { metrics: string[]; errors: string[] } {
  const metrics: string[] = [];
  const errors: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) errors.push(`${from}: ${expr.slice(from, to + 20)}`);
      if (type.name === 'Identifier' && node.parent?.type.name === 'VectorSelector') metrics.push(expr.slice(from, to));
    },
  });
  return { metrics, errors };
}

function exists(metric: string): boolean {
  const table: Record<string, { type: string }> = CATALOGUE;
  return metric in table || table[metric.replace(/_(bucket|sum|count)$/, '')]?.type === 'histogram';
}

test('there are twelve alerts', () => {
  expect(alerts.map(({ alert }) => alert).sort()).toEqual([
    'NeurocardsAuditModeEntered',
    'NeurocardsAuditStale',
    'NeurocardsControllerAbsent',
    'NeurocardsErasureLate',
    'NeurocardsLedgerViolated',
    'NeurocardsOrderStuck',
    'NeurocardsOrderUnsettled',
    'NeurocardsOutsideFailing',
    'NeurocardsPaymentRefundStuck',
    'NeurocardsPaymentUnbooked',
    'NeurocardsPaymentUnmatched',
    'NeurocardsPaymentsUnreconciled',
  ]);
});

describe.each(alerts)('$alert', ({ expr, annotations }) => {
  test('is PromQL, over metrics that we have', () => {
    const { metrics, errors } = read(expr);
    expect(errors).toEqual([]);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((metric) => !exists(metric))).toEqual([]);
  });

  test('leads to a chapter of the operations page', () => {
    const chapter = /See "([^"]+)" in docs\/operations\.md\.$/.exec(annotations.description)?.[1] ?? '';
    const headings = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    expect(anchorsIn(headings)).toContain(anchorsIn(`# ${chapter}`)[0]);
  });
});

test('an expression that is no PromQL, or over a metric we do not have, would be found', () => {
  expect(read('sum(rate(neurocards_orders[5m]) > 1').errors).not.toEqual([]);
  expect(read('max(neurocards_dreams_total) > 0').metrics).toEqual(['neurocards_dreams_total']);
  expect(exists('neurocards_dreams_total')).toBe(false);
  expect(exists('neurocards_reconcile_seconds_bucket')).toBe(true);
});

test('they fire when they should, and only then', (context) => {
  if (spawnSync('promtool', ['--version']).status !== 0) context.skip('promtool is not installed');
  execFileSync('promtool', ['test', 'rules', 'alerts.yaml'], { cwd: join(ROOT, 'test/alerts'), encoding: 'utf8' });
});
