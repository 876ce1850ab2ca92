import type { KubeClient } from '../kube/client.ts';
import { isConflict, isNotFound } from '../kube/error.ts';
import { type StoredVideoJob, VIDEOJOBS } from '../kube/resources.ts';
import type { VideoJob, VideoJobStatus } from '../videojob/schema.ts';
import { equalStatus, statusPatch } from '../videojob/status.ts';
import { type ApplyTools, applyCluster, applyLedger } from './apply.ts';
import { decide } from './decide.ts';
import { type ClusterEffect, type Decision, effectKey, type VideoJobEvent } from './decision.ts';
import { eventsBetween } from './event-texts.ts';
import { type GatherTools, gather } from './gather.ts';
import type { Observed } from './observed.ts';

export interface ReconcileTools extends GatherTools, ApplyTools {
  kube: KubeClient;
  /** All of one status change together, so that they can be dated in their order. */
  recordEvents(videoJob: VideoJob, events: readonly VideoJobEvent[]): void;
  onClaimRefused(reason: string): void;
}

/** More ledger effects than any pass needs: a net against two decisions that undo each other. */
const roundsAllowed = 8;
const lookAgainMs = 200;
/** After a conflict: a newer copy is on its way, and if its event gets lost nobody else would look. */
const conflictMs = 5_000;

/**
 * One pass over one VideoJob: observe and decide until the ledger needs nothing more, ask the API server, mirror the status by at most
 * one patch, and only then tell of it. Answers in how many milliseconds to look again.
 */
export async function reconcile(stored: StoredVideoJob, tools: ReconcileTools): Promise<number | undefined> {
  const { observed, decision, now } = await settleLedger(stored, tools);
  // Deleting the object makes a new version of it, which the status patch would not fit: it comes last.
  const [last, first] = [true, false].map((isLast) =>
    decision.cluster.filter(({ kind }) => (kind === 'delete-video-job') === isLast),
  );
  const asked = await askAll(first ?? [], observed.videoJob, tools);
  const mirrored = decision.status === null ? 'done' : await mirrorStatus(observed, decision.status, tools);
  if (asked.refusal !== undefined) throw asked.refusal;
  await askAll(last ?? [], observed.videoJob, tools);
  const due = decision.requeueAt === null ? [] : [Math.max(0, decision.requeueAt.getTime() - now.getTime())];
  if (asked.lookAgain) due.push(lookAgainMs);
  if (mirrored === 'conflict') due.push(conflictMs);
  return due.length === 0 ? undefined : Math.min(...due);
}

/** What the API server refuses (a quota, say) must not keep the status from being written: the first refusal is answered. */
async function askAll(
  effects: readonly ClusterEffect[],
  videoJob: VideoJob,
  tools: ReconcileTools,
): Promise<{ lookAgain: boolean; refusal?: Error }> {
  let lookAgain = false;
  let refusal: Error | undefined;
  for (const effect of effects) {
    try {
      if ((await applyCluster(effect, videoJob, tools)) === 'look again') lookAgain = true;
    } catch (error) {
      refusal ??= error instanceof Error ? error : new Error('the API server was not asked', { cause: error });
    }
  }
  return refusal === undefined ? { lookAgain } : { lookAgain, refusal };
}

async function settleLedger(
  stored: StoredVideoJob,
  tools: ReconcileTools,
): Promise<{ observed: Observed; decision: Decision; now: Date }> {
  const tried = new Set<string>();
  for (let round = 1; ; round += 1) {
    const observed = await gather(stored, tools);
    const now = observed.observation?.now ?? new Date();
    const decision = decide(observed, now, tried);
    if (decision.ledger.length === 0) return { observed, decision, now };
    if (round > roundsAllowed) throw new Error(`reconciling ${stored.metadata.name} does not come to rest`);
    for (const effect of decision.ledger) {
      tried.add(effectKey(effect));
      await applyLedger(effect, observed.videoJob, tools);
    }
  }
}

async function mirrorStatus(
  { videoJob, claim }: Observed,
  status: VideoJobStatus,
  tools: ReconcileTools,
): Promise<'done' | 'conflict'> {
  if (equalStatus(videoJob.status, status)) return 'done';
  const { namespace, name, uid, resourceVersion } = videoJob.metadata;
  const patch = { metadata: { uid, resourceVersion }, status: statusPatch(videoJob.status, status) };
  try {
    tools.rememberWritten(await tools.kube.patch(VIDEOJOBS, { namespace, name }, patch, { subresource: 'status' }));
  } catch (error) {
    if (isNotFound(error)) return 'done';
    if (!isConflict(error)) throw error;
    // Somebody wrote meanwhile: the watch brings the next pass, and a conflict is no error. If it does not, that event is lost.
    tools.rememberOutdated(videoJob);
    return 'conflict';
  }
  if (claim?.answer === 'refused') tools.onClaimRefused(claim.reason);
  tools.recordEvents(videoJob, eventsBetween(videoJob.status, status));
  return 'done';
}
