import { setTimeout as pause } from 'node:timers/promises';
import type { KubeClient } from '../kube/client.ts';
import { createEventRecorder } from '../kube/event-recorder.ts';
import { createWorkQueue } from '../kube/queue.ts';
import { createReflector } from '../kube/reflector.ts';
import { JOBS, type Job, keyOf, type StoredVideoJob, VIDEOJOBS } from '../kube/resources.ts';
import { type PassResult, runWorkers } from '../kube/workers.ts';
import type { Logger } from '../log/logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { listen } from '../postgres/listen.ts';
import type { DatabasePool } from '../postgres/pool.ts';
import type { VideoProvider } from '../provider/provider.ts';
import type { ObjectStorage } from '../storage/storage.ts';
import { API_VERSION, KIND, ORDER_LABEL, videoJobName } from '../videojob/names.ts';
import { followAbandoned } from './abandoned.ts';
import { createAuditor } from './auditor.ts';
import type { ControllerEnvironment } from './config.ts';
import { exportFigures } from './figures.ts';
import { ForgottenOrderError } from './gather.ts';
import { checkHints } from './hints.ts';
import { startLoop } from './loop.ts';
import { lostEvents } from './lost-events.ts';
import type { Memory } from './memory.ts';
import { watchMissingObjects } from './missing.ts';
import { type PassTools, pass } from './pass.ts';
import type { PodTemplates } from './pod-template.ts';
import { admissionSweep, dueSweep, overdueSweep, referralSweep } from './sweeps.ts';
import { watchTerminatingJobs } from './terminating.ts';

export interface Leader {
  env: ControllerEnvironment;
  kube: KubeClient;
  database: DatabasePool;
  /** Checked every new connection of `database` already. */
  memory: Memory;
  templates: PodTemplates;
  provider: VideoProvider;
  storage: ObjectStorage;
  metrics: Metrics;
  log: Logger;
  identity: string;
  /** How far apart the two looks are that find a VideoJob gone; a minute when absent. */
  confirmMissingMs?: number;
  /** How far apart audits are; a minute when absent. */
  auditEveryMs?: number;
  /** Whether the caches were filled once; readiness asks for it. */
  synced: boolean;
}

const dueEveryMs = 15_000;
const admitEveryMs = 5_000;
const overdueEveryMs = 20_000;
const auditEveryMs = 60_000;
const memoryEveryMs = 5_000;
/** How long a VideoJob is left alone in audit mode before it is looked at again. */
const standstillMs = 10_000;
const abandonedEveryMs = 30_000;
const hintsEveryMs = 3_000;
/** A bonus that is weeks in coming may be minutes late. */
const referralsEveryMs = 600_000;
const jobsWaitMs = 15_000;

/** Audit mode was resolved: what this process has cached may be of another history, and a fresh one begins with the new epoch. */
export class ResolvedError extends Error {
  override readonly name = 'ResolvedError';
  readonly reason = 'Resolved';
  constructor() {
    super('audit mode was resolved; this process ends, so that a fresh one begins with both sides as they are now');
  }
}

/**
 * What the leading controller does: watch, reconcile, sweep. Ends when `until` is aborted, after the passes under way.
 * @throws ResolvedError when an operator has ended audit mode meanwhile.
 */
export async function lead(leader: Leader, until: AbortSignal): Promise<void> {
  const resolved = new AbortController();
  const leading = AbortSignal.any([until, resolved.signal]);
  const { env, kube, database, memory, metrics, log, identity } = leader;
  const namespace = env.NEUROCARDS_NAMESPACE;
  const queue = createWorkQueue({ name: 'videojobs', metrics });
  const enqueue = (orderId: string): void => queue.add(`${namespace}/${videoJobName(orderId)}`);
  const common = { client: kube, namespace, log, metrics };
  const videoJobs = createReflector<StoredVideoJob>({
    ...common,
    resource: VIDEOJOBS,
    onChange: (object) => queue.add(keyOf(object)),
  });
  const jobs = createReflector<Job>({
    ...common,
    resource: JOBS,
    labelSelector: ORDER_LABEL,
    indexBy: orderOf,
    onChange: (job) => {
      const orderId = orderOf(job);
      if (orderId !== undefined) enqueue(orderId);
    },
  });
  const events = createEventRecorder({
    client: kube,
    component: 'neurocards-controller',
    instance: identity,
    log,
    metrics,
  });
  const reconciles = metrics.counter('neurocards_reconcile_total');
  const durations = metrics.histogram('neurocards_reconcile_seconds');
  const refusals = metrics.counter('neurocards_claims_refused_total');
  exportFigures(metrics, database, videoJobs.store);

  const tools: PassTools = {
    ...{ database, kube, templates: leader.templates, log, store: videoJobs.store },
    macKey: env.NEUROCARDS_MAC_KEY,
    missing: watchMissingObjects(database, log, leader.confirmMissingMs),
    terminating: watchTerminatingJobs(),
    cachedJobs: (_namespace, orderId) => jobs.store.byIndex(orderId),
    rememberWritten: (object) => videoJobs.store.wrote(object),
    rememberOutdated: (object) => videoJobs.store.outdated(object),
    recordEvents: (videoJob, notes) => events.record({ ...videoJob, apiVersion: API_VERSION, kind: KIND }, ...notes),
    onClaimRefused: (reason) => refusals.inc({ reason: claimRefusal(reason) }),
    onStale: () => reconciles.inc({ result: 'stale' }),
  };
  const watching = [videoJobs.run(leading), jobs.run(leading)];
  await Promise.race([videoJobs.synced, aborted(leading)]);
  // A namespace that is being deleted lets nobody list its Jobs any more, and its VideoJobs must be settled all the same.
  // Without this cache passes are slow, not wrong: a Job that is not in it is asked for by name.
  await Promise.race([jobs.synced, pause(jobsWaitMs, undefined, { ref: false }), aborted(leading)]);
  leader.synced = !leading.aborted;

  memory.leading = true;
  await firstCheck(leader, leading);
  const sweep = { database, log, enqueue };
  const loop = { signal: leading, log };
  const unlessStandstill = (work: () => Promise<void>) => async (): Promise<void> => {
    if (!memory.standstill) await work();
  };
  const lookForResolution = async (): Promise<void> => {
    await memory.check(database);
    if (memory.wasResolved) resolved.abort(new ResolvedError());
  };
  const audit = createAuditor({
    ...{ ...leader, namespace, macKey: env.NEUROCARDS_MAC_KEY, enqueue },
    onLive: (objects) => {
      for (const key of lostEvents(objects, videoJobs.store)) queue.add(key);
    },
  });
  const due = startLoop('due', dueEveryMs, unlessStandstill(dueSweep(sweep)), loop);
  const loops = [
    due,
    startLoop('audit', leader.auditEveryMs ?? auditEveryMs, audit, loop),
    startLoop('memory', memoryEveryMs, lookForResolution, loop),
    startLoop('admission', admitEveryMs, unlessStandstill(admissionSweep(sweep)), loop),
    startLoop('overdue', overdueEveryMs, unlessStandstill(overdueSweep(sweep)), loop),
    startLoop('referrals', referralsEveryMs, unlessStandstill(referralSweep(sweep)), loop),
    startLoop('abandoned', abandonedEveryMs, followAbandoned({ ...leader, owner: identity, signal: leading }), loop),
    ...(env.NEUROCARDS_PUBLIC_URL === undefined
      ? []
      : [
          startLoop(
            'hints',
            hintsEveryMs,
            checkHints({ ...leader, publicUrl: env.NEUROCARDS_PUBLIC_URL, signal: leading }),
            loop,
          ),
        ]),
  ];
  const listening = listen(env.NEUROCARDS_DATABASE_URL, 'neurocards_orders', enqueue, leading, {
    onReconnect: () => due.nudge(),
  });
  const working = runWorkers({
    ...{ queue, count: env.NEUROCARDS_WORKERS, log },
    pass: (key) => guardedPass(key, tools, memory),
    onResult: (result, seconds) => {
      reconciles.inc({ result });
      durations.observe({}, seconds);
    },
  });
  await aborted(leading);
  await queue.shutDownWithDrain();
  await Promise.all([working, listening, ...watching, ...loops.map(({ done }) => done)]);
  await events.flush();
  if (!until.aborted) throw resolved.signal.reason;
}

/** Nothing is done before PostgreSQL was compared with the cluster's mark once. */
async function firstCheck({ memory, database, log }: Leader, leading: AbortSignal): Promise<void> {
  while (!leading.aborted) {
    try {
      await memory.check(database);
      return;
    } catch (error) {
      log.warn({ err: error }, 'PostgreSQL cannot be compared with what the cluster remembers yet');
      await pause(1_000, undefined, { signal: leading }).catch(() => undefined);
    }
  }
}

/** In audit mode a VideoJob is left as it is; an order that PostgreSQL forgot is what begins it. */
async function guardedPass(key: string, tools: PassTools, memory: Memory): Promise<PassResult | undefined> {
  if (memory.standstill) return { requeueAfterMs: standstillMs };
  try {
    return await pass(key, tools);
  } catch (error) {
    if (!(error instanceof ForgottenOrderError)) throw error;
    await memory.enter(tools.database, { cause: 'database-forgot', explanation: error.message });
    return { requeueAfterMs: standstillMs };
  }
}

function orderOf(job: Job): string | undefined {
  return job.metadata.labels?.[ORDER_LABEL];
}

function claimRefusal(reason: string): 'UnknownOrder' | 'OtherClaimant' | 'OtherContent' {
  return reason === 'UnknownOrder' || reason === 'OtherClaimant' ? reason : 'OtherContent';
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
