import { expect, test } from 'vitest';
import { z } from 'zod';
import { Pod } from './pod.ts';
import { type PodView, phaseOf, statusPatch } from './status.ts';

const startTime = new Date('2026-01-01T00:00:00.900Z');
const now = new Date('2026-01-01T00:01:00Z');
const ended = { kind: 'terminated', reason: 'Completed', startedAt: startTime, finishedAt: now } as const;

const pod = Pod.parse({
  metadata: { name: 'p', namespace: 'jobs', uid: 'u', generation: 3 },
  spec: { containers: [{ name: 'runner', image: 'neurocards:1' }] },
  status: {
    conditions: [
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2025-01-01T00:00:00Z' },
      { type: 'DisruptionTarget', status: 'True', lastTransitionTime: '2025-01-01T00:00:00Z' },
    ],
  },
});

const Patch = z.object({
  metadata: z.object({ uid: z.string() }),
  status: z.looseObject({
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string(), lastTransitionTime: z.string() })),
    containerStatuses: z.array(z.looseObject({ state: z.unknown(), ready: z.boolean() })),
  }),
});

const patchOf = (view: PodView) => Patch.parse(statusPatch(pod, view, now));

test('the phase follows from the container, and a verdict means Failed whatever the exit code says', () => {
  const view = (container: Extract<PodView, { container: unknown }>['container']) => phaseOf({ startTime, container });
  expect(view({ kind: 'waiting', reason: 'ErrImagePull' })).toBe('Pending');
  expect(view({ kind: 'running', startedAt: now })).toBe('Running');
  expect(view({ ...ended, exitCode: 0 })).toBe('Succeeded');
  expect(view({ ...ended, exitCode: 1 })).toBe('Failed');
  const verdict = { reason: 'DeadlineExceeded', message: 'm' };
  expect(phaseOf({ startTime, container: { ...ended, exitCode: 0 }, verdict })).toBe('Failed');
});

test('a running Pod is ready, with whole seconds and the UID that keeps the patch from a namesake', () => {
  const { metadata, status } = patchOf({ startTime, container: { kind: 'running', startedAt: now } });
  expect(metadata.uid).toBe('u');
  expect(status).toMatchObject({ phase: 'Running', startTime: '2026-01-01T00:00:00Z', observedGeneration: 3 });
  expect(status.containerStatuses[0]).toMatchObject({
    ready: true,
    state: { running: { startedAt: '2026-01-01T00:01:00Z' } },
  });
  expect(status.conditions.find(({ type }) => type === 'Ready')?.status).toBe('True');
});

test('a condition that did not change keeps its time, and those of other writers are not touched', () => {
  const { conditions } = patchOf({ startTime, container: { ...ended, exitCode: 0 } }).status;
  const times = Object.fromEntries(conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
  expect(times).toMatchObject({ PodScheduled: '2025-01-01T00:00:00Z', Ready: '2026-01-01T00:01:00Z' });
  expect(times).not.toHaveProperty('DisruptionTarget');
});

test('a rejected Pod fails with its reason and had no container', () => {
  const patch = statusPatch(pod, { startTime, rejected: { reason: 'UnimplementedField', message: 'm' } }, now);
  expect(patch).toMatchObject({ status: { phase: 'Failed', reason: 'UnimplementedField', message: 'm' } });
  expect(patch).not.toHaveProperty('status.containerStatuses');
});
