import type { Logger } from '../log/logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { pause } from './backoff.ts';
import type { KubeClient, Target } from './client.ts';
import { isAlreadyExists, isConflict } from './error.ts';
import { LEASES, type Lease } from './resources.ts';

export interface LeaseElectionOptions {
  readonly client: KubeClient;
  readonly lease: Target;
  /** Unique among the candidates: the pod's name and something random. */
  readonly identity: string;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  /** Others may take the lease when they saw no renewal for this long. */
  readonly durationMs?: number | undefined;
  /** We give up leading when our own renewals failed for this long; must be shorter. */
  readonly renewDeadlineMs?: number | undefined;
  readonly retryMs?: number | undefined;
}

/** Leadership ended while it was needed: the process should exit, a fresh one starts clean. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly reason = 'LeaseLost';

  constructor(why: string) {
    super(`Leadership was lost (${why}); this process ends, so that a fresh one can compete.`);
  }
}

export interface LeaseElection {
  /**
   * Waits for the lease, then runs `lead` with a signal that aborts when leadership is lost or the caller's signal aborts.
   * When `lead` has ended the lease is released, so that a successor need not wait. Rejects with LeaseLostError when the
   * lease was lost, and with what `lead` threw. Safety must not rest on it: a paused process may lead a little too long.
   */
  run(signal: AbortSignal, lead: (leading: AbortSignal) => Promise<void>): Promise<void>;
  readonly isLeader: boolean;
}

export function createLeaseElection(options: LeaseElectionOptions): LeaseElection {
  const { client, lease: target, identity, metrics } = options;
  const { durationMs = 15_000, renewDeadlineMs = 10_000, retryMs = 2_000 } = options;
  const log = options.log.child({ lease: target.name, identity });
  const gauge = metrics?.gauge('neurocards_leader');
  let observed: { readonly version: string; readonly at: number } | undefined;
  let holder: string | undefined;
  let isLeader = false;

  /** Takes or renews the lease if that is allowed. True when it is ours. */
  async function acquire(signal: AbortSignal): Promise<boolean> {
    const call = { signal, timeoutMs: Math.min(5_000, Math.ceil(renewDeadlineMs / 2)) };
    const now = new Date().toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(durationMs / 1_000), renewTime: now };
    try {
      const current = await client.find(LEASES, target, call);
      if (current === undefined) {
        const body = {
          apiVersion: LEASES.apiVersion,
          kind: LEASES.kind,
          metadata: { name: target.name },
          spec: { ...spec, acquireTime: now, leaseTransitions: 0 },
        };
        observe(await client.create(LEASES, target.namespace, body, call));
        return true;
      }
      observe(current);
      const ours = current.spec.holderIdentity === identity;
      if (!ours && !isFree(current)) return false;
      const taken = { acquireTime: now, leaseTransitions: (current.spec.leaseTransitions ?? 0) + 1 };
      const body = { ...current, spec: { ...current.spec, ...spec, ...(ours ? {} : taken) } };
      observe(await client.replace(LEASES, target, body, call));
      return true;
    } catch (error) {
      // Somebody else was faster: his version is looked at next time.
      if (isConflict(error) || isAlreadyExists(error)) return false;
      throw error;
    }
  }

  /** When a version was first seen by us. Clocks of machines differ, so the times written in the lease mean nothing. */
  function observe({ metadata: { resourceVersion }, spec: { holderIdentity } }: Lease): void {
    holder = holderIdentity;
    if (observed?.version !== resourceVersion) observed = { version: resourceVersion, at: performance.now() };
  }

  function isFree({ spec }: Lease): boolean {
    if (!spec.holderIdentity) return true;
    const heldMs = (spec.leaseDurationSeconds ?? durationMs / 1_000) * 1_000;
    return observed !== undefined && performance.now() - observed.at > heldMs;
  }

  async function tryAcquire(signal: AbortSignal): Promise<boolean> {
    try {
      return await acquire(signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'The lease could not be read or renewed');
      return false;
    }
  }

  /** Renews until the signal aborts (returns) or the deadline passes without a renewal (throws). */
  async function keepRenewing(signal: AbortSignal): Promise<void> {
    let renewedAt = performance.now();
    while (!signal.aborted) {
      await pause(retryMs, signal);
      if (signal.aborted) return;
      const asked = performance.now();
      const left = Math.max(0, Math.ceil(renewedAt + renewDeadlineMs - asked));
      if (await tryAcquire(AbortSignal.any([signal, AbortSignal.timeout(left)]))) renewedAt = asked;
      else if (signal.aborted) return;
      else if (holder !== identity) throw new LeaseLostError('another process holds the lease');
      else if (performance.now() - renewedAt >= renewDeadlineMs)
        throw new LeaseLostError('renewals failed for too long');
    }
  }

  async function release(): Promise<void> {
    try {
      const current = await client.find(LEASES, target, { timeoutMs: 3_000 });
      if (current?.spec.holderIdentity !== identity) return;
      const spec = { ...current.spec, holderIdentity: '', leaseDurationSeconds: 1 };
      await client.replace(LEASES, target, { ...current, spec }, { timeoutMs: 3_000 });
      log.info('Lease released');
    } catch (error) {
      log.warn({ err: error }, 'The lease could not be released; a successor waits until it runs out');
    }
  }

  function setLeader(value: boolean): void {
    isLeader = value;
    gauge?.set({}, value ? 1 : 0);
  }

  return {
    get isLeader() {
      return isLeader;
    },
    async run(signal, lead) {
      while (!signal.aborted && !(await tryAcquire(signal))) await pause(retryMs * (0.8 + 0.4 * Math.random()), signal);
      if (signal.aborted) return;
      setLeader(true);
      log.info('Leading');
      const over = new AbortController();
      const lost = new AbortController();
      const renewing = keepRenewing(over.signal).catch((error: unknown) => {
        setLeader(false);
        lost.abort(error);
      });
      try {
        await lead(AbortSignal.any([signal, lost.signal]));
      } finally {
        // Renewed until the work is over: releasing earlier would let a successor in while we still write.
        over.abort();
        await renewing;
        setLeader(false);
        await release();
      }
      if (lost.signal.aborted) throw lost.signal.reason;
    },
  };
}
