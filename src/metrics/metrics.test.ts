import { expect, test } from 'vitest';
import { CATALOGUE } from './catalogue.ts';
import { createMetrics } from './metrics.ts';

const quiet = { processMetrics: false };

test('a counter shows every combination of its closed labels as 0 from the start', async () => {
  const metrics = createMetrics(quiet);
  metrics.counter('neurocards_events_total').inc({ result: 'refused' });
  expect(await metrics.text()).toContain(
    'neurocards_events_total{result="recorded"} 0\nneurocards_events_total{result="refused"} 1\n',
  );
});

test('a value outside the closed list becomes other, so that series cannot grow', async () => {
  const metrics = createMetrics(quiet);
  const counter: { inc(labels: object): void } = metrics.counter('neurocards_telegram_requests_total');
  counter.inc({ method: 'sendSecret', class: 'ok', chat: '42' });
  const text = await metrics.text();
  expect(text).toContain('{method="other",class="ok"} 1\n');
  expect(text).not.toMatch(/sendSecret|42/);
});

test('a collected gauge is computed at each scrape, by all its collectors', async () => {
  const metrics = createMetrics(quiet);
  let depth = 1;
  metrics.collect('workqueue_depth', (gauge) => gauge.set({ name: 'a' }, depth));
  metrics.collect('workqueue_depth', async (gauge) => gauge.set({ name: 'b' }, 7));
  expect(await metrics.text()).toContain('workqueue_depth{name="a"} 1\nworkqueue_depth{name="b"} 7\n');
  depth = 2;
  expect(await metrics.text()).toContain('workqueue_depth{name="a"} 2\n');
});

test('a collector that throws leaves its gauge out, tells, and harms no other metric', async () => {
  const errors: string[] = [];
  const metrics = createMetrics({ ...quiet, onCollectError: (name) => errors.push(name) });
  metrics.collect('neurocards_ledger_violations', () => Promise.reject(new Error('no database')));
  metrics.counter('neurocards_events_total');
  const text = await metrics.text();
  expect(text).not.toMatch(/^neurocards_ledger_violations/m);
  expect(text).toContain('neurocards_events_total{result="recorded"} 0');
  expect(errors).toEqual(['neurocards_ledger_violations']);
});

test('names follow the conventions: counters end in _total, and only they', () => {
  for (const [name, { type }] of Object.entries(CATALOGUE)) {
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
  }
});
