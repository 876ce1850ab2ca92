import { openAttempt } from '../generation/attempt.ts';
import type { KubeClient } from '../kube/client.ts';
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../kube/error.ts';
import { JOBS, VIDEOJOBS } from '../kube/resources.ts';
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

/** Asks one thing of the API server. What is there already, or gone already, is as wished. */
export async function applyCluster(effect: ClusterEffect, videoJob: VideoJob, tools: ApplyTools): Promise<void> {
  try {
    await ask(effect, videoJob, tools);
  } catch (error) {
    if (isNotFound(error) && effect.kind !== 'post-job') return;
    // A namespace that goes away deletes this VideoJob too: the pass that sees its deletionTimestamp settles it.
    if (isNamespaceTerminating(error)) return;
    throw error;
  }
}

async function ask(effect: ClusterEffect, videoJob: VideoJob, { kube, templates }: ApplyTools): Promise<void> {
  const { namespace, name, uid, resourceVersion, finalizers } = videoJob.metadata;
  switch (effect.kind) {
    case 'post-job': {
      const template = templates[commandOf[effect.stage]];
      const job = childJob(videoJob, effect.stage, effect.execution, effect.remainingSeconds, template);
      try {
        await kube.create(JOBS, namespace, job);
      } catch (error) {
        // The next pass reads it and compares its owner's UID with ours.
        if (!isAlreadyExists(error)) throw error;
      }
      return;
    }
    case 'delete-job':
      return kube.delete(JOBS, { namespace, name: effect.name }, { uid: effect.uid });
    case 'delete-video-job':
      return kube.delete(VIDEOJOBS, { namespace, name }, { uid });
    case 'drop-finalizer':
      await kube.patch(
        VIDEOJOBS,
        { namespace, name },
        { metadata: { uid, resourceVersion, finalizers: finalizers.filter((one) => one !== SETTLEMENT_FINALIZER) } },
      );
      return;
  }
}
