import type { OrderRecord } from './order-rows.ts';

/** What happens next to an order and who does it, in one sentence for an SRE. Pure. */
export function nextStep({ order, attempts, executions, delivery }: OrderRecord): string {
  if (order.hold_state !== 'held') return afterSettlement(order.hold_state, attempts.at(-1), delivery?.state);
  if (order.claimed_by === null) {
    return 'The bot posts its VideoJob until the controller has claimed it; if it stays so, look at the bot log and the API server.';
  }
  if (order.admitted_at === null)
    return 'It waits for a free place at the provider; the queue clock ends it as WaitedTooLong.';
  if (delivery !== null)
    return whileDelivering(delivery.state, executions.filter(({ stage }) => stage === 'delivery').at(-1)?.ended_at);
  const attempt = attempts.at(-1);
  if (attempt === undefined) return 'It was admitted and its first attempt is about to be opened by the controller.';
  switch (attempt.state) {
    case 'ready':
      return attempt.failure_class === null
        ? 'A generate pod prepares prompt and photo and then submits; if no pod runs, look at its Job.'
        : `A generate pod submits again after ${attempt.failure_class}; the generation clock ends it otherwise.`;
    case 'intent':
    case 'unknown':
      return 'A paid task may be running whose id nobody knows. A callback may still name it; nothing is submitted again, and the generation clock gives the credits back.';
    case 'accepted':
      return 'A generate pod polls the provider and stores the video as soon as it is done.';
    default:
      return 'The controller opens another attempt or closes the order within seconds.';
  }
}

function whileDelivering(state: string, lastEndedAt: Date | null | undefined): string {
  if (state === 'pending' && lastEndedAt === undefined) return 'The controller starts the first deliver pod.';
  return lastEndedAt == null
    ? 'A deliver pod is turning the progress message into the video.'
    : 'The controller starts the next deliver pod; the delivery clock decides otherwise.';
}

function afterSettlement(
  state: 'captured' | 'released',
  attempt: OrderRecord['attempts'][number] | undefined,
  delivery: string | undefined,
): string {
  if (state === 'captured' && delivery === 'waiting')
    return 'Paid for and kept: the bot shows the video on the next sign of life of the person.';
  if (state === 'captured' && delivery === 'uncertain')
    return 'Paid for and perhaps shown: the person has a "Send again" button.';
  if (attempt?.state === 'abandoned' && attempt.followed === null) {
    return 'Nothing for the person. A task may still run; the controller follows it for 24 hours and keeps a late video as evidence.';
  }
  return 'Nothing: the order is settled.';
}
