import type { KubeClient } from '../kube/client.ts';
import { JOBS, type Job, type StoredVideoJob } from '../kube/resources.ts';
import type { ObservedExecution, Stage } from '../ledger/executions.ts';
import { claimOrder } from '../order/claim.ts';
import { type Observation, observeOrder } from '../order/observation.ts';
import type { Database } from '../postgres/call.ts';
import { isFinished } from '../videojob/conditions.ts';
import { childJobName } from '../videojob/names.ts';
import { parseVideoJob } from '../videojob/parse.ts';
import type { VideoJob } from '../videojob/schema.ts';
import { computeSpecHash, verifyOrder } from '../videojob/spec-hash.ts';
import { commandOf, templateHash } from './child-job.ts';
import { observeJob } from './job.ts';
import type { Observed, ObservedJob } from './observed.ts';
import { lookAtPods } from './pod-start.ts';
import type { PodTemplates } from './pod-template.ts';
import type { TerminatingJobs } from './terminating.ts';

/** The ledger does not know an order that the bot has signed: it is PostgreSQL that forgot, and nothing may be refused. */
export class ForgottenOrderError extends Error {
  override readonly name = 'ForgottenOrderError';
  readonly reason = 'ForgottenOrder';
  constructor(orderId: string) {
    super(`PostgreSQL does not know the order ${orderId}, which the bot has signed: audit mode is entered`);
  }
}

export interface GatherTools {
  /** Key of the mac in the spec. */
  macKey: string;
  database: Database;
  kube: KubeClient;
  templates: PodTemplates;
  /** Jobs in the cache that carry this order's label. */
  cachedJobs(namespace: string, orderId: string): readonly Job[];
  terminating: TerminatingJobs;
}

const podLookMs = 30_000;

/**
 * Reads everything one pass decides by. The claim is asked here, before anything else is believed; it is idempotent for its claimant.
 * @throws ForgottenOrderError when PostgreSQL forgot what was ordered; VideoJobError when the object cannot be read; KubeError and database errors as they come.
 */
export async function gather(stored: StoredVideoJob, tools: GatherTools): Promise<Observed> {
  const videoJob = parseVideoJob(stored);
  const templates = {
    generation: templateHash(tools.templates.generate),
    delivery: templateHash(tools.templates.deliver),
  };
  const found = { videoJob, templates, podStartCause: null };
  if (isFinished(videoJob.status.conditions)) {
    return { ...found, claim: null, observation: null, jobs: cached(videoJob, new Date(), tools) };
  }
  const { claim, observation } = await claimAndObserve(videoJob, tools);
  const jobs = cached(videoJob, observation?.now ?? new Date(), tools);
  // What is being deleted starts nothing, and its namespace may have lost the right to look at Jobs already.
  const starts = videoJob.metadata.deletionTimestamp === undefined;
  if (observation === null || !starts) return { ...found, claim, observation, jobs };
  const confirmed = await confirmOpenJobs(videoJob, observation, jobs, tools);
  const podStartCause = await podStart(videoJob, observation, tools.kube);
  return { ...found, claim, observation, jobs: confirmed, podStartCause };
}

async function claimAndObserve(
  videoJob: VideoJob,
  { database, macKey }: GatherTools,
): Promise<Pick<Observed, 'claim' | 'observation'>> {
  const { id, mac } = videoJob.spec.order;
  const { uid } = videoJob.metadata;
  const known = await observeOrder(database, id);
  if (known?.claimedBy === uid) return { claim: { answer: 'yours', settled: known.settled }, observation: known };
  const specHash = computeSpecHash(videoJob.spec);
  const claim = await claimOrder(database, id, uid, specHash);
  if (claim.answer === 'refused' && claim.reason === 'UnknownOrder' && claim.knownAsLost !== true) {
    if (verifyOrder(macKey, id, specHash, mac)) throw new ForgottenOrderError(id);
  }
  return { claim, observation: claim.answer === 'yours' ? await observeOrder(database, id) : null };
}

function cached({ metadata, spec }: VideoJob, now: Date, tools: GatherTools): ObservedJob[] {
  return tools
    .cachedJobs(metadata.namespace, spec.order.id)
    .flatMap((job) => observeJob(job, metadata.uid, tools.terminating.since(job, now)) ?? []);
}

/** A Job that the cache does not have may be there all the same: absence is only believed of the API server itself. */
async function confirmOpenJobs(
  videoJob: VideoJob,
  observation: Observation,
  jobs: readonly ObservedJob[],
  { kube, terminating }: GatherTools,
): Promise<ObservedJob[]> {
  const found = [...jobs];
  for (const { stage, execution } of openExecutions(observation)) {
    if (found.some((job) => job.stage === stage && job.execution === execution.n)) continue;
    const name = childJobName(videoJob.metadata.name, commandOf[stage], execution.n);
    const job = await kube.find(JOBS, { namespace: videoJob.metadata.namespace, name });
    if (job === undefined) continue;
    const since = terminating.since(job, observation.now);
    const observed = observeJob(job, videoJob.metadata.uid, since, { stage, execution: execution.n });
    if (observed !== null) found.push(observed);
  }
  return found;
}

function openExecutions(observation: Observation): { stage: Stage; execution: ObservedExecution }[] {
  const open = (stage: Stage, executions: readonly ObservedExecution[]) =>
    executions
      .filter((one) => one.endedAt === null && one.executor === 'pod')
      .map((execution) => ({ stage, execution }));
  return [...open('generation', observation.generationExecutions), ...open('delivery', observation.deliveryExecutions)];
}

async function podStart(
  videoJob: VideoJob,
  observation: Observation,
  kube: KubeClient,
): Promise<Observed['podStartCause']> {
  const waiting = openExecutions(observation).find(
    ({ execution }) =>
      execution.leasedAt === null && observation.now.getTime() - execution.openedAt.getTime() >= podLookMs,
  );
  return waiting === undefined ? null : lookAtPods(videoJob, waiting.stage, waiting.execution.n, kube);
}
