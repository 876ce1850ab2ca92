import type { Observation } from '../order/observation.ts';
import { type Decision, effectKey, type LedgerEffect, nothing } from './decision.ts';
import { decideExecution } from './execution.ts';
import type { Observed } from './observed.ts';

/** A video is stored and not shown: keep one delivery execution, until the ledger says that the stage is over. */
export function decideDelivery(observed: Observed, observation: Observation, tried: ReadonlySet<string>): Decision {
  const { delivery } = observation;
  if (delivery === null || delivery.state === 'shown' || delivery.over) return nothing;
  const generated = endedGeneration(observed, observation);
  if (generated !== null && !tried.has(effectKey(generated))) return { ...nothing, ledger: [generated] };
  const decided = decideExecution('delivery', observation.deliveryExecutions, observed, observation);
  return decided.kind === 'go-on' ? decided.decision : nothing;
}

/** The Job that made the video ends a second after its verdict: its row is closed too, so that nobody thinks it still runs. */
function endedGeneration({ jobs }: Observed, { generationExecutions }: Observation): LedgerEffect | null {
  const open = generationExecutions.find((row) => row.endedAt === null);
  const job = jobs.find((one) => one.stage === 'generation' && one.execution === open?.n);
  if (open === undefined || job?.ended === null) return null;
  // Gone after a live look (deleted by hand, a lost node): it does not run any more either.
  const cause = job === undefined ? 'Lost' : job.ended === 'failed' ? 'Crashed' : 'Completed';
  return { kind: 'end-execution', stage: 'generation', n: open.n, cause };
}
