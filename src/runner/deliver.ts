import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import { type DeliveryDesk, deliver } from '../delivery/deliver.ts';
import { type LeasedDelivery, leaseDelivery, renewDelivery } from '../delivery/delivery.ts';
import type { Logger } from '../log/logger.ts';
import { persist } from '../postgres/persist.ts';
import type { deliverEnvironment } from './config.ts';
import { exitCodes, type RunnerEnd } from './exit.ts';
import { keepLease, ownerName } from './lease-keeper.ts';

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
    const lease = await persist(
      () =>
        leaseDelivery(
          tools.database,
          identity.NEUROCARDS_ORDER,
          identity.NEUROCARDS_VIDEOJOB_UID,
          identity.NEUROCARDS_EXECUTION,
          owner,
        ),
      until,
    );
    if (lease.outcome === 'over') return { code: exitCodes.verdict, message: lease.because };
    if (lease.outcome === 'leased') return drive(lease, tools, until);
    if (await interrupted(2, until)) return interruption;
  }
}

const interruption: RunnerEnd = {
  code: exitCodes.interrupted,
  message: 'the time of this execution is over; the next one goes on',
};

async function drive(leased: LeasedDelivery, tools: DeliverTools, until: AbortSignal): Promise<RunnerEnd> {
  let lease = leased;
  await using kept = keepLease(() => renewDelivery(tools.database, lease.orderId, lease.fence));
  let waitSeconds = lease.notBefore === null ? 0 : (lease.notBefore.getTime() - lease.now.getTime()) / 1000;
  for (;;) {
    if (await interrupted(Math.max(0, waitSeconds), AbortSignal.any([until, kept.lost]))) {
      return kept.lost.aborted ? { code: exitCodes.superseded, message: 'the lease was lost' } : interruption;
    }
    const delivered = await deliver(lease, { ...tools, stopping: until, lost: kept.lost });
    if (delivered.kind === 'over') return { code: exitCodes.verdict, message: `the delivery is ${delivered.verdict}` };
    if (delivered.kind === 'lost') return { code: exitCodes.superseded, message: delivered.because };
    tools.log.info({ afterSeconds: delivered.afterSeconds }, 'delivery goes on');
    lease = { ...lease, messageId: delivered.messageId };
    waitSeconds = delivered.afterSeconds;
  }
}

async function interrupted(afterSeconds: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return true;
  return pause(afterSeconds * 1000, false, { signal }).catch(() => true);
}
