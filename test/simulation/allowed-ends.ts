import type { HoldRow } from './postgres/rows.ts';
import type { Act } from './schedule.ts';
import type { World } from './world.ts';

/** What somebody must have done, or what must have been struck, before an order may end so. */
const causes: Readonly<
  Record<string, { acts?: readonly Act['what'][]; outcomes?: readonly string[]; struck?: readonly string[] }>
> = {
  Cancelled: { acts: ['cancel', 'kubectl cancel'] },
  Deleted: { acts: ['delete', 'strip and delete', 'delete and make again'] },
  RecipientUnreachable: { acts: ['block'] },
  ContentRejected: { outcomes: ['verdict'], struck: ['createTask'] },
};

/** How an order ends by itself, where nothing is struck and nobody meddles: the reference that every other run is compared with. */
function referenceEnd(outcomes: readonly string[]): string {
  const [first = 'film'] = outcomes;
  if (first === 'verdict') return 'ContentRejected';
  if (first === 'never') return 'GenerationDeadlineExceeded';
  return outcomes.includes('film') ? 'VideoDelivered' : 'GenerationFailed';
}

/** Why an order may not have ended as it did, or null. */
export function disallowedEnd({ schedule, network, provider }: World, { orderId, reason }: HoldRow): string | null {
  if (reason === null) return null;
  const isUndisturbed = network.struck.length === 0 && schedule.acts.length === 0 && schedule.slots > 1;
  // With several orders the outcomes go to whoever asks first.
  if (isUndisturbed && schedule.taps.length === 1 && schedule.taps[0]?.count === 1) {
    const expected = referenceEnd(schedule.outcomes);
    return reason === expected ? null : `undisturbed, ${orderId} ended with ${reason} instead of ${expected}`;
  }
  const cause = causes[reason];
  if (cause === undefined) return null;
  const isCaused =
    schedule.acts.some(({ what }) => cause.acts?.includes(what)) ||
    provider.tasks.some(({ outcome }) => cause.outcomes?.includes(outcome)) ||
    network.struck.some(({ effect }) => cause.struck?.includes(effect));
  return isCaused ? null : `${orderId} ended with ${reason}, and nobody gave cause for it`;
}
