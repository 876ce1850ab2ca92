import type { z } from 'zod';
import { type Delivered, type DeliveryDesk, deliver } from '../delivery/deliver.ts';
import { type LeasedDelivery, leaseDelivery, renewDelivery } from '../delivery/delivery.ts';
import type { Logger } from '../log/logger.ts';
import { persist } from '../postgres/persist.ts';
import type { deliverEnvironment } from './config.ts';
import { exitCodes, type RunnerEnd } from './exit.ts';
import { interrupted } from './interruptible-pause.ts';
import { type KeptLease, keepLease, ownerName } from './lease-keeper.ts';

export interface DeliverTools extends Omit<DeliveryDesk, 'lost'> {
  log: Logger;
}

type Identity = Pick<
  z.infer<typeof deliverEnvironment>,
  'NEUROCARDS_ORDER' | 'NEUROCARDS_VIDEOJOB_UID' | 'NEUROCARDS_EXECUTION' | 'NEUROCARDS_DELIVERY_TIMEOUT_SECONDS'
>;

/** Shows the stored video of one order, for at most the time of one execution; the row tells the next one where to go on. */
export async function runDelivery(identity: Identity, tools: DeliverTools): Promise<RunnerEnd> {
  const owner = ownerName();
  const until = AbortSignal.any([
    tools.stopping,
    AbortSignal.timeout(identity.NEUROCARDS_DELIVERY_TIMEOUT_SECONDS * 1000),
  ]);
  for (;;) {
    const lease = await leaseNow(identity, owner, tools, until);
    if (lease === 'stopped') return interruption;
    if (lease.outcome === 'over') return { code: exitCodes.verdict, message: lease.because };
    if (lease.outcome === 'held') {
      if (await interrupted(2, until)) return interruption;
      continue;
    }
    tools.log.info({ state: lease.state, fence: lease.fence }, 'delivery leased');
    const end = await drive(lease, tools, until);
    if (end !== 'lease again') return end;
  }
}

/** Asks for the lease until the database answers, or until the time of this execution is over. */
async function leaseNow(
  identity: Identity,
  owner: string,
  { database }: DeliverTools,
  until: AbortSignal,
): Promise<Awaited<ReturnType<typeof leaseDelivery>> | 'stopped'> {
  const { NEUROCARDS_ORDER: order, NEUROCARDS_VIDEOJOB_UID: uid, NEUROCARDS_EXECUTION: execution } = identity;
  if (until.aborted) return 'stopped';
  try {
    return await persist(() => leaseDelivery(database, order, uid, execution, owner), until);
  } catch (error) {
    if (until.aborted) return 'stopped';
    throw error;
  }
}

const interruption: RunnerEnd = {
  code: exitCodes.interrupted,
  message: 'the time of this execution is over; the next one goes on',
};

async function drive(
  leased: LeasedDelivery,
  tools: DeliverTools,
  until: AbortSignal,
): Promise<RunnerEnd | 'lease again'> {
  let lease = leased;
  await using kept = keepLease(() => renewDelivery(tools.database, lease.orderId, lease.fence));
  let waitSeconds = lease.notBefore === null ? 0 : (lease.notBefore.getTime() - lease.now.getTime()) / 1000;
  for (;;) {
    if (waitSeconds > 0) await interrupted(waitSeconds, AbortSignal.any([until, kept.lost]));
    // Asked before every try, also after one that took no time: one without a lease ends at once, and would be repeated for ever.
    if (kept.lost.aborted) return afterLoss(kept, 'the lease was lost');
    if (until.aborted) return interruption;
    const delivered = await deliverOnce(lease, tools, until, kept);
    if (delivered.kind === 'over') return { code: exitCodes.verdict, message: `the delivery is ${delivered.verdict}` };
    if (delivered.kind === 'lost') return afterLoss(kept, delivered.because);
    tools.log.info({ afterSeconds: delivered.afterSeconds }, 'delivery goes on');
    lease = { ...lease, messageId: delivered.messageId, tries: delivered.tries };
    waitSeconds = delivered.afterSeconds;
  }
}

/** A step that the loss of the lease broke off is a loss, whatever it threw. */
async function deliverOnce(
  lease: LeasedDelivery,
  tools: DeliverTools,
  stopping: AbortSignal,
  { lost }: KeptLease,
): Promise<Delivered> {
  try {
    return await deliver(lease, { ...tools, stopping, lost });
  } catch (error) {
    if (lost.aborted) return { kind: 'lost', because: 'the lease was lost' };
    throw error;
  }
}

function afterLoss(kept: KeptLease, because: string): RunnerEnd | 'lease again' {
  return kept.ranOut ? 'lease again' : { code: exitCodes.superseded, message: because };
}
