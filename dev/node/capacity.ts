import { availableParallelism, totalmem } from 'node:os';
import type { Pod } from './pod.ts';

/** What the node offers, in Kubernetes quantities. */
export interface Capacity {
  cpu: string;
  memory: string;
  pods: string;
}

/** This machine's processors and memory, and room for this many Pods at once. */
export function machineCapacity(pods: number): Capacity {
  return { cpu: String(availableParallelism()), memory: `${Math.floor(totalmem() / 1024)}Ki`, pods: String(pods) };
}

/**
 * Why the Pod does not fit this node, in a scheduler's words, or undefined when it does: labels it selects by, requests
 * above what the whole node has, or too many Pods. Requests of several Pods are not summed: they are sized for a
 * cluster, and on one's own machine a sum would only leave orders waiting. Pure.
 */
export function misfit(
  pod: Pod,
  node: { labels: Record<string, string>; capacity: Capacity; podsNow: number },
): string | undefined {
  const reasons: string[] = [];
  const selected = Object.entries(pod.spec.nodeSelector).every(([label, value]) => node.labels[label] === value);
  if (!selected) reasons.push("1 node(s) didn't match Pod's node affinity/selector");
  for (const resource of ['cpu', 'memory'] as const) {
    const asked = pod.spec.containers.map(({ resources }) => quantity(resources.requests[resource] ?? '0'));
    const sum = asked.reduce((total, one) => total + one, 0);
    if (sum > quantity(node.capacity[resource])) reasons.push(`1 Insufficient ${resource}`);
  }
  if (node.podsNow >= quantity(node.capacity.pods)) reasons.push('1 Too many pods');
  return reasons.length === 0 ? undefined : `0/1 nodes are available: ${reasons.join(', ')}.`;
}

const suffixes = new Map([
  ['', 1],
  ['m', 1e-3],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
  ['Ti', 2 ** 40],
]);

/** The number a Kubernetes quantity means (`500m` is 0.5, `1Ki` is 1024); NaN when it is none. Pure. */
export function quantity(text: string): number {
  const [, digits = '', suffix = ''] = /^([0-9.]+(?:e[0-9]+)?)([A-Za-z]*)$/.exec(text) ?? [];
  return digits === '' ? Number.NaN : Number(digits) * (suffixes.get(suffix) ?? Number.NaN);
}
