import { openAttempt } from '../generation/attempt.ts';
import type { KubeClient } from '../kube/client.ts';
import { isAlreadyExists, isConflict, isNamespaceTerminating, isNotFound } from '../kube/error.ts';
import { JOBS, type StoredVideoJob, VIDEOJOBS } from '../kube/resources.ts';
import { endExecution, openExecution } from '../ledger/executions.ts';
import { cancelClaimedOrder, closeOrder } from '../ledger/settlement.ts';
import type { Logger } from '../log/logger.ts';
import { setSuspended } from '../order/observation.ts';
import type { Database } from '../postgres/call.ts';
import { SETTLEMENT_FINALIZER } from '../videojob/names.ts';
import type { VideoJob } from '../videojob/schema.ts';
import { childJob, commandOf } from './child-job.ts';
import type { ClusterEffect, LedgerEffect } from './decision.ts';
import type { PodTemplates } from './pod-template.ts';

export interface ApplyTools {
  database: Database;
  kube: KubeClient;
  templates: PodTemplates;
  log: Logger;
  /** The newest resourceVersion we wrote, so that an older copy in the cache is known as such. */
  rememberWritten(object: StoredVideoJob): void;
  /** The API server has a newer version of this VideoJob than the one that was read. */
  rememberOutdated(object: Pick<StoredVideoJob, 'metadata'>): void;
}

/** Writes one ledger effect. Each is idempotent and checks its own precondition; what it answers is seen by the next observation. */
export async function applyLedger(
  effect: LedgerEffect,
  videoJob: VideoJob,
  { database, log }: ApplyTools,
): Promise<void> {
  const orderId = videoJob.spec.order.id;
  const { uid } = videoJob.metadata;
  switch (effect.kind) {
    case 'close': {
      const closed = await closeOrder(database, orderId, uid, effect.request);
      log.info({ order: orderId, request: effect.request, ...closed }, 'close_order answered');
      return;
    }
    case 'cancel': {
      const cancelled = await cancelClaimedOrder(database, orderId, uid);
      log.info({ order: orderId, outcome: cancelled.outcome }, 'cancel answered');
      return;
    }
    case 'set-suspended':
      return setSuspended(database, orderId, uid, effect.suspended);
    case 'open-attempt': {
      const opened = await openAttempt(database, orderId, uid, effect.n);
      log.info({ order: orderId, attempt: effect.n, ...opened }, 'open_attempt answered');
      return;
    }
    case 'open-execution': {
      const opened = await openExecution(database, orderId, uid, effect.stage, effect.n);
      log.info(
        { order: orderId, stage: effect.stage, execution: effect.n, outcome: opened.outcome },
        'open_execution answered',
      );
      return;
    }
    case 'end-execution':
      log.info({ order: orderId, stage: effect.stage, execution: effect.n, cause: effect.cause }, 'execution ended');
      return endExecution(database, orderId, uid, effect.stage, effect.n, effect.cause);
  }
}

/** Whether a pass has to look again soon, because what is there may not be ours. */
type Asked = 'done' | 'look again';

/** Asks one thing of the API server. What is gone already, or was replaced by another of its name, is as wished. */
export async function applyCluster(effect: ClusterEffect, videoJob: VideoJob, tools: ApplyTools): Promise<Asked> {
  try {
    return await ask(effect, videoJob, tools);
  } catch (error) {
    if (isNotFound(error) && effect.kind !== 'post-job') return 'done';
    if (isConflict(error) && (effect.kind === 'delete-job' || effect.kind === 'delete-video-job')) return 'done';
    // A namespace that goes away deletes this VideoJob too: the pass that sees its deletionTimestamp settles it.
    if (isNamespaceTerminating(error)) return 'done';
    throw error;
  }
}

async function ask(effect: ClusterEffect, videoJob: VideoJob, tools: ApplyTools): Promise<Asked> {
  const { kube, templates } = tools;
  const { namespace, name, uid, resourceVersion, finalizers, deletionTimestamp } = videoJob.metadata;
  switch (effect.kind) {
    case 'post-job': {
      const template = templates[commandOf[effect.stage]];
      const job = childJob(videoJob, effect.stage, effect.execution, effect.remainingSeconds, template);
      try {
        await kube.create(JOBS, namespace, job);
      } catch (error) {
        // The next pass reads it and compares its owner's UID with ours; no watch of ours need tell of it.
        if (isAlreadyExists(error)) return 'look again';
        throw error;
      }
      return 'done';
    }
    case 'delete-job':
      await kube.delete(JOBS, { namespace, name: effect.name }, { uid: effect.uid });
      return 'done';
    case 'delete-video-job':
      await kube.delete(VIDEOJOBS, { namespace, name }, { uid });
      return 'done';
    case 'drop-finalizer': {
      const left = finalizers.filter((one) => one !== SETTLEMENT_FINALIZER);
      const patch = { metadata: { uid, resourceVersion, finalizers: left } };
      const written = await kube.patch(VIDEOJOBS, { namespace, name }, patch);
      // The last finalizer of a deleted object takes it away: there is nothing left to be older than.
      if (deletionTimestamp === undefined || left.length > 0) tools.rememberWritten(written);
      return 'done';
    }
  }
}
