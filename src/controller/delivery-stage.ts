import type { Observation } from '../order/observation.ts';
import { type Decision, nothing } from './decision.ts';
import { decideExecution } from './execution.ts';
import type { Observed } from './observed.ts';

/** A video is stored and not shown: keep one delivery execution, until the ledger says that the stage is over. */
export function decideDelivery(observed: Observed, observation: Observation, _tried: ReadonlySet<string>): Decision {
  const { delivery } = observation;
  if (delivery === null || delivery.state === 'shown' || delivery.over) return nothing;
  const decided = decideExecution('delivery', observation.deliveryExecutions, observed, observation);
  return decided.kind === 'go-on' ? decided.decision : nothing;
}
