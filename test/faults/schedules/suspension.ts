import { setTimeout as pause } from 'node:timers/promises';
import { findCondition } from '../../../src/videojob/conditions.ts';
import { isCreated } from '../../support/effects.ts';
import type { SystemOrder } from '../../support/system.ts';
import { waitFor } from '../../support/wait.ts';
import type { Play } from './play.ts';
import { until } from './watch-order.ts';

/*
 * An operator who sets spec.suspend and takes it back: before anything was sent, and over a task that runs.
 */

const longMs = 90_000;
const usualLimit = 20;

/** Long enough for a controller that is not struck to have done what it must not do. */
const quietMs = 3_000;

/** Suspended while nobody is admitted; then others would be, and this one is not until it is resumed. */
export const queued = {
  prepare: (play: Play): Promise<void> => play.lane.system.setting('live_attempt_limit', 0),

  async act(play: Play, order: SystemOrder): Promise<void> {
    try {
      await until(play, order, 'its place in the queue', () => says(play, order, 'Finished', 'WaitingForCapacity'));
      await suspend(play, order, true);
      await until(play, order, 'its suspension', () => says(play, order, 'Finished', 'Suspended'));
    } finally {
      await waitFor(() => play.lane.system.setting('live_attempt_limit', usualLimit).then(() => true), {
        what: 'admission to be open again',
        within: longMs,
        every: 500,
      });
    }
    await pause(quietMs);
    if ((await play.lane.system.tasks(order)).length > 0) throw new Error(`${order.id} was paid for while suspended`);
    await suspend(play, order, false);
  },
};

/** Suspended while its task runs: what is paid is finished and stored, and shown once it is resumed. */
export async function running(play: Play, order: SystemOrder): Promise<void> {
  await until(play, order, 'its task', () => isCreated(play.lane.system, order));
  await suspend(play, order, true);
  await until(play, order, 'its suspension', () => says(play, order, 'Delivered', 'Suspended'));
  await suspend(play, order, false);
}

async function says(play: Play, order: SystemOrder, type: 'Finished' | 'Delivered', reason: string): Promise<boolean> {
  return findCondition((await play.lane.system.videoJob(order))?.status.conditions, type)?.reason === reason;
}

function suspend(play: Play, { name }: SystemOrder, isSuspended: boolean): Promise<unknown> {
  const patch = JSON.stringify({ spec: { suspend: isSuspended } });
  const args = ['patch', 'videojob', name, '--type=merge', '-p', patch];
  return waitFor(async () => (await play.lane.system.kubectl(args)).code === 0, {
    what: `spec.suspend of ${name} to be taken`,
    within: longMs + play.patienceMs,
    every: 500,
  });
}
