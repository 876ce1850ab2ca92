import { expect, test } from 'vitest';
import { misfit, quantity } from './capacity.ts';
import { Pod } from './pod.ts';

const node = { labels: { 'kubernetes.io/os': 'linux' }, capacity: { cpu: '2', memory: '4Gi', pods: '3' }, podsNow: 2 };

function misfitOf(spec: object, requests: Record<string, string> = {}, podsNow = 2): string | undefined {
  const containers = [{ name: 'runner', resources: { requests } }];
  const metadata = { name: 'p', namespace: 'jobs', uid: 'u' };
  return misfit(Pod.parse({ metadata, spec: { containers, ...spec }, status: {} }), { ...node, podsNow });
}

test('a Pod fits by labels, by its own requests and by count', () => {
  expect(
    misfitOf({ nodeSelector: { 'kubernetes.io/os': 'linux' } }, { cpu: '2000m', memory: '4096Mi' }),
  ).toBeUndefined();
  expect(misfitOf({ nodeSelector: { gpu: 'yes' } })).toContain("didn't match Pod's node affinity/selector");
  expect(misfitOf({}, { cpu: '2001m' })).toBe('0/1 nodes are available: 1 Insufficient cpu.');
  expect(misfitOf({}, { memory: '5Gi' })).toBe('0/1 nodes are available: 1 Insufficient memory.');
  expect(misfitOf({}, {}, 3)).toBe('0/1 nodes are available: 1 Too many pods.');
});

test.each([
  ['500m', 0.5],
  ['2', 2],
  ['1Ki', 1024],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['2G', 2e9],
  ['1e3', 1000],
])('%s is %d', (text, number) => {
  expect(quantity(text)).toBe(number);
});
