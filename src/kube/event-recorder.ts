import { randomBytes } from 'node:crypto';
import type { Logger } from '../log/logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { KubeClient } from './client.ts';
import { EVENTS, type KubeObject } from './resources.ts';

export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** One specific CamelCase word. */
  readonly reason: string;
  /** For SREs. Never a prompt, a chat text or a secret. */
  readonly message: string;
}

/** What an event is about. */
export interface EventSubject extends KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
}

export interface EventRecorder {
  /**
   * Posts events about an object, in this order, without waiting. Record only what a finished write has made true. A
   * refused event is counted and forgotten: events explain, nothing depends on them.
   */
  record(subject: EventSubject, ...notes: EventNote[]): void;
  /** Resolves when everything recorded so far was posted or refused. */
  flush(): Promise<void>;
}

const MAX_WAITING = 1_000;
const REMEMBERED_SUBJECTS = 10_000;

export function createEventRecorder({
  client,
  component,
  instance,
  log,
  metrics,
}: {
  readonly client: KubeClient;
  /** Shown as the event's source, for example `neurocards-controller`. */
  readonly component: string;
  /** Name of the pod. */
  readonly instance: string;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}): EventRecorder {
  const events = metrics?.counter('neurocards_events_total');
  const stamps = createEventStamps();
  let waiting = 0;
  let chain: Promise<void> = Promise.resolve();

  async function post(subject: EventSubject, note: EventNote, second: number): Promise<void> {
    const { name, namespace = 'default', uid, resourceVersion } = subject.metadata;
    const time = new Date(second * 1_000).toISOString().replace('.000', '');
    const body = {
      apiVersion: EVENTS.apiVersion,
      kind: EVENTS.kind,
      metadata: { name: `${name}.${randomBytes(8).toString('hex')}` },
      involvedObject: { apiVersion: subject.apiVersion, kind: subject.kind, name, namespace, uid, resourceVersion },
      type: note.type,
      reason: note.reason,
      message: note.message.slice(0, 1_024),
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      source: { component, host: instance },
      reportingComponent: component,
      reportingInstance: instance,
    };
    try {
      await client.create(EVENTS, namespace, body);
      events?.inc({ result: 'recorded' });
    } catch (error) {
      events?.inc({ result: 'refused' });
      log.debug({ err: error, reason: note.reason, object: name }, 'Event refused');
    } finally {
      waiting -= 1;
    }
  }

  return {
    record(subject, ...notes) {
      const seconds = stamps(subject.metadata.uid, notes.length, Math.floor(Date.now() / 1_000));
      for (const [index, note] of notes.entries()) {
        if (waiting >= MAX_WAITING) {
          events?.inc({ result: 'refused' });
          continue;
        }
        waiting += 1;
        const second = seconds[index] ?? 0;
        chain = chain.then(() => post(subject, note, second));
      }
    },
    flush: () => chain,
  };
}

/**
 * Whole seconds for events of one object, such that `kubectl describe`, which sorts by lastTimestamp, shows them in their
 * order: each is later than the one before where that is possible, none lies in the future. Several at once are dated
 * back, but never before an earlier call's.
 */
export function createEventStamps(): (uid: string, count: number, nowSecond: number) => number[] {
  const last = new Map<string, number>();
  return (uid, count, nowSecond) => {
    let previous = last.get(uid);
    const stamps = Array.from({ length: count }, (_, index) => {
      const wanted = nowSecond - (count - 1 - index);
      const stamp = Math.min(nowSecond, previous === undefined ? wanted : Math.max(wanted, previous + 1));
      previous = stamp;
      return stamp;
    });
    if (previous !== undefined) {
      last.delete(uid);
      last.set(uid, previous);
      const oldest = last.keys().next();
      if (last.size > REMEMBERED_SUBJECTS && !oldest.done) last.delete(oldest.value);
    }
    return stamps;
  };
}
