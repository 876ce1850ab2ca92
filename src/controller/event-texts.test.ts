import { describe, expect, it } from 'vitest';
import type { VideoJobStatus } from '../videojob/schema.ts';
import { execution, job, now, observation, observed } from './decide.fixtures.ts';
import { decide } from './decide.ts';
import { eventsBetween } from './event-texts.ts';

function statusOf(change: Parameters<typeof observation>[0]): VideoJobStatus {
  const { status } = decide(observed({ observation: observation(change), jobs: [job()] }), now);
  if (status === null) throw new Error('an order that was claimed has a status');
  return status;
}

describe('the events of a status change', () => {
  const running = statusOf({ generationExecutions: [execution()] });
  const failure = { reason: 'ContentRejected', message: 'the provider reported a failure', time: now.toISOString() };
  const refused = {
    ...statusOf({ settled: { outcome: 'released', reason: 'ContentRejected', at: now } }),
    lastFailure: failure,
  };

  it('tell once of the failure that ends the order', () => {
    expect(eventsBetween(running, refused).map(({ reason }) => reason)).toEqual(['ContentRejected', 'CreditsRefunded']);
  });

  it('tell of a failure that the order survives', () => {
    const survived = { ...running, lastFailure: failure };
    expect(eventsBetween(running, survived)).toEqual([
      { type: 'Warning', reason: 'ContentRejected', message: 'the provider reported a failure' },
    ]);
  });

  it('are none when nothing changed', () => {
    expect(eventsBetween(refused, refused)).toEqual([]);
  });
});
