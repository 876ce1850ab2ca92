import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { CATALOGUE, type LabelsOf, type MetricDefinition, type MetricName, type NamesOf } from './catalogue.ts';

/** A counter of the catalogue. Every combination of closed labels is 0 from the start, so that `rate()` sees the first. */
export interface CounterHandle<N extends MetricName> {
  inc(labels: LabelsOf<N>, value?: number): void;
}

export interface GaugeHandle<N extends MetricName> {
  set(labels: LabelsOf<N>, value: number): void;
}

export interface HistogramHandle<N extends MetricName> {
  observe(labels: LabelsOf<N>, value: number): void;
}

/** Sets the values of one scrape; combinations that are not set are 0. */
export type Collector<N extends MetricName> = (gauge: GaugeHandle<N>) => void | Promise<void>;

export interface Metrics {
  counter<N extends NamesOf<'counter'>>(name: N): CounterHandle<N>;
  gauge<N extends NamesOf<'gauge'>>(name: N): GaugeHandle<N>;
  histogram<N extends NamesOf<'histogram'>>(name: N): HistogramHandle<N>;
  /**
   * A gauge computed at scrape time from the truth (a table, a cache), so that a restart cannot skew it. When a collector
   * throws, the gauge is left out of that scrape: no number is better than a stale one. Several may share a name.
   */
  collect<N extends NamesOf<'gauge'>>(name: N, collector: Collector<N>): void;
  text(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  /** Process metrics (memory, event loop); off in tests that compare whole texts. */
  readonly processMetrics?: boolean;
  /** Called when a collector threw. */
  readonly onCollectError?: (metric: string, error: unknown) => void;
}

type PutValue = (labels: Record<string, string>, value: number) => void;

/** The metrics of one process, in a registry of its own. A metric appears once a part of the process asked for it. */
export function createMetrics({ processMetrics = true, onCollectError }: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  if (processMetrics) {
    collectDefaultMetrics({ register: registry });
    // Gauges with a counter's suffix: promtool's metric lint refuses them.
    for (const name of [
      'nodejs_active_handles_total',
      'nodejs_active_requests_total',
      'nodejs_active_resources_total',
    ]) {
      registry.removeSingleMetric(name);
    }
  }
  const counters = new Map<string, Counter<string>>();
  const gauges = new Map<string, Gauge<string>>();
  const collected = new Map<string, ((put: PutValue) => void | Promise<void>)[]>();
  const histograms = new Map<string, Histogram<string>>();

  const makeGauge = (name: MetricName, collect?: (gauge: Gauge<string>) => Promise<void>): Gauge<string> => {
    const gauge: Gauge<string> = new Gauge<string>({
      ...common(name, registry),
      ...(collect === undefined ? {} : { collect: () => collect(gauge) }),
    });
    return gauge;
  };

  return {
    counter(name) {
      const counter = remember(counters, name, () => {
        const made = new Counter<string>(common(name, registry));
        for (const labels of combinations(CATALOGUE[name])) made.inc(labels, 0);
        return made;
      });
      return { inc: (labels, value = 1) => counter.inc(closed(name, labels), value) };
    },
    gauge(name) {
      const gauge = remember(gauges, name, () => {
        const made = makeGauge(name);
        for (const labels of combinations(CATALOGUE[name])) made.set(labels, 0);
        return made;
      });
      return { set: (labels, value) => gauge.set(closed(name, labels), value) };
    },
    histogram(name) {
      const histogram = remember(histograms, name, () => {
        const made = new Histogram<string>({ ...common(name, registry), buckets: [...(bucketsOf(name) ?? [])] });
        for (const labels of combinations(CATALOGUE[name])) made.zero(labels);
        return made;
      });
      return { observe: (labels, value) => histogram.observe(closed(name, labels), value) };
    },
    collect(name, collector) {
      const collectors = remember(collected, name, () => {
        const list: ((put: PutValue) => void | Promise<void>)[] = [];
        makeGauge(name, async (gauge) => {
          const values = new Map<string, { labels: Record<string, string>; value: number }>();
          const put: PutValue = (labels, value) => values.set(JSON.stringify(labels), { labels, value });
          for (const labels of combinations(CATALOGUE[name])) put(labels, 0);
          try {
            for (const one of list) await one(put);
          } catch (error) {
            values.clear();
            onCollectError?.(name, error);
          }
          // Without a pause from here on, so that two scrapes at once cannot mix.
          gauge.reset();
          gauge.remove({});
          for (const { labels, value } of values.values()) gauge.set(labels, value);
        });
        return list;
      });
      collectors.push((put) => collector({ set: (labels, value) => put(closed(name, labels), value) }));
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function common(name: MetricName, registry: Registry) {
  const { help, labels } = definition(name);
  return { name, help, labelNames: Object.keys(labels), registers: [registry] };
}

function definition(name: MetricName): MetricDefinition {
  return CATALOGUE[name];
}

function bucketsOf(name: MetricName): readonly number[] | undefined {
  return definition(name).buckets;
}

function remember<T>(kept: Map<string, T>, name: string, make: () => T): T {
  const known = kept.get(name);
  if (known !== undefined) return known;
  const made = make();
  kept.set(name, made);
  return made;
}

/** Every combination of closed labels; none when a label is open, because its values are not known yet. */
function combinations({ labels }: MetricDefinition): Record<string, string>[] {
  let all: Record<string, string>[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    if (values === 'open') return [];
    all = all.flatMap((known) => values.map((value) => ({ ...known, [label]: value })));
  }
  return all;
}

/** In the catalogue's order; a value outside a closed list becomes `other`, so that no caller can grow the series. */
function closed(name: MetricName, labels: object): Record<string, string> {
  const given = new Map<string, unknown>(Object.entries(labels));
  return Object.fromEntries(
    Object.entries(definition(name).labels).map(([label, values]) => {
      const value = given.get(label);
      const known = typeof value === 'string' && (values === 'open' || values.includes(value));
      return [label, known ? value : 'other'];
    }),
  );
}
