/**
 * How a runner ends. Only `verdict` means that the row says what came of it; whatever else is a crash to the controller, which opens
 * the next execution. The other codes only help whoever reads `kubectl describe pod`.
 */
export const exitCodes = {
  verdict: 0,
  failed: 1,
  misconfigured: 2,
  /** Somebody else holds the lease or the order is settled. */
  superseded: 3,
  /** SIGTERM, or this execution's time is over: the row is as it should be, and the next execution goes on from it. */
  interrupted: 4,
} as const;

export interface RunnerEnd {
  code: (typeof exitCodes)[keyof typeof exitCodes];
  /** For the log and the pod's termination message; no secrets, prompts or chat text. */
  message: string;
}
