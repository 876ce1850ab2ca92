import type { Observation } from '../order/observation.ts';
import { type Decision, effectKey, type LedgerEffect, nothing } from './decision.ts';
import { decideExecution } from './execution.ts';
import type { Observed } from './observed.ts';

/** Admitted, nothing stored yet: keep one execution over the live attempt, or open the next attempt, or end. */
export function decideGeneration(observed: Observed, observation: Observation, tried: ReadonlySet<string>): Decision {
  const attempt = observation.attempts.current;
  if (attempt === null) return nothing;
  if (attempt.state === 'failed' || attempt.state === 'rejected' || attempt.state === 'abandoned') {
    const next: LedgerEffect =
      attempt.anotherAllowed && attempt.state !== 'abandoned'
        ? { kind: 'open-attempt', n: attempt.n + 1 }
        : { kind: 'close', request: 'Verdict' };
    return once(next, tried);
  }
  const decided = decideExecution('generation', observation.generationExecutions, observed, observation);
  if (decided.kind === 'give-up') return once({ kind: 'close', request: 'Verdict' }, tried);
  return decided.decision;
}

function once(effect: LedgerEffect, tried: ReadonlySet<string>): Decision {
  return tried.has(effectKey(effect)) ? nothing : { ...nothing, ledger: [effect] };
}
