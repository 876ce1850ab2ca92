import type { ExecutionEnd, Stage } from '../ledger/executions.ts';
import type { CloseRequest } from '../ledger/settlement.ts';
import type { VideoJobStatus } from '../videojob/schema.ts';

/** What is written to PostgreSQL. Runs first; when any ran, the pass observes and decides again. */
export type LedgerEffect =
  | { kind: 'close'; request: CloseRequest }
  | { kind: 'cancel' }
  | { kind: 'set-suspended'; suspended: boolean }
  | { kind: 'open-attempt'; n: number }
  | { kind: 'open-execution'; stage: Stage; n: number }
  | { kind: 'end-execution'; stage: Stage; n: number; cause: ExecutionEnd };

/** What is asked of the API server, beside the one status patch. */
export type ClusterEffect =
  | { kind: 'post-job'; stage: Stage; execution: number; remainingSeconds: number }
  | { kind: 'delete-job'; name: string; uid: string }
  | { kind: 'delete-video-job' }
  | { kind: 'drop-finalizer' };

export interface VideoJobEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

export interface Decision {
  ledger: readonly LedgerEffect[];
  cluster: readonly ClusterEffect[];
  /** The whole status as it should be; null leaves it alone. */
  status: VideoJobStatus | null;
  requeueAt: Date | null;
}

export const nothing: Decision = { ledger: [], cluster: [], status: null, requeueAt: null };

/** Identifies an effect within one pass: the same one is not tried twice, whatever it answered. */
export function effectKey(effect: LedgerEffect): string {
  return JSON.stringify(effect);
}
