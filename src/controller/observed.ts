import type { Stage } from '../ledger/executions.ts';
import type { Claimed } from '../order/claim.ts';
import type { Observation } from '../order/observation.ts';
import type { VideoJob } from '../videojob/schema.ts';

/** A child Job as far as decisions need it. */
export interface ObservedJob {
  name: string;
  uid: string;
  stage: Stage;
  execution: number;
  /** Its owner reference names this very VideoJob. */
  ours: boolean;
  deleting: boolean;
  /** `FailureTarget` and `SuccessCriteriaMet` already say so, a second before `Failed` and `Complete`. */
  ended: 'succeeded' | 'failed' | null;
  finishedAt: Date | null;
  /** Which pod template it was made from; null for a Job of an older release. */
  template: string | null;
  /** Since when no pod is active while one still terminates: a lost node looks like this. */
  terminatingSince: Date | null;
}

/** Why the pod of a Job does not start. */
export type PodStartCause = 'ImagePull' | 'Config' | 'Unschedulable' | 'Quota' | 'Unknown';

/** What one pass found. */
export interface Observed {
  videoJob: VideoJob;
  /** Not asked for a finished one. */
  claim: Claimed | null;
  observation: Observation | null;
  jobs: readonly ObservedJob[];
  /** Which pod template a Job of each stage would be made from now. */
  templates: Readonly<Record<Stage, string>>;
  /** Only looked at once an execution is 30 s old and never leased. */
  podStartCause: PodStartCause | null;
}
