import type { Step } from '../audit/resolution.ts';
import { catchUpOrder, noteLostOrder, rebuildOrder, reclaimOrder, resolveAuditMode } from '../audit/restoring.ts';
import { closeOrderByAdmin } from '../ledger/oversight.ts';
import { DatabaseError } from '../postgres/errors.ts';
import { serializeVideoJob } from '../videojob/build.ts';
import { API_VERSION, KIND, ORDER_LABEL, SETTLEMENT_FINALIZER } from '../videojob/names.ts';
import { parseVideoJob } from '../videojob/parse.ts';
import type { BothSides } from './both-sides.ts';
import { type Admin, actOf } from './command.ts';
import { describeStep } from './steps.ts';

/** Carries out the steps and then ends audit mode. Each step is a transaction of its own and may be repeated. */
export async function resolve(found: BothSides, admin: Admin): Promise<number> {
  const { facts, steps } = found;
  const { out, err } = admin.terminal;
  const act = actOf(admin);
  if (facts.state !== 'audit') {
    err('There is nothing to resolve: PostgreSQL is not in audit mode.\n');
    return 1;
  }
  for (const step of steps) {
    try {
      out(`${describeStep(step)}: ${await carryOut(step, found, admin)}\n`);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.reason !== 'Refused') throw error;
      // A rule of the books stands against it: that order is for a person, and everything else goes on.
      out(`${describeStep(step)}: left for a person (${error.constraint ?? error.message})\n`);
      if (step.kind === 'rebuild' && !act.dryRun) await noteLostOrder(admin.database, step.orderId, act);
    }
  }
  const { outcome, epoch } = await resolveAuditMode(admin.database, facts.epoch, act);
  if (outcome === 'resolved') out(`Audit mode is over; epoch ${epoch} begins. The controllers go on within seconds.\n`);
  else if (outcome === 'would-resolve')
    out(`Nothing was changed. Without --dry-run audit mode would end with epoch ${epoch}.\n`);
  else err(`Not resolved: PostgreSQL is in epoch ${epoch} by now. Look again with neurocards admin audit.\n`);
  return outcome === 'resolved' || outcome === 'would-resolve' ? 0 : 1;
}

async function carryOut(step: Step, { facts, manifests }: BothSides, { database, ...admin }: Admin): Promise<string> {
  const act = actOf({ database, ...admin });
  const words = ({ outcome, because }: { outcome: string; because: string | null }): string =>
    because === null ? outcome : `${outcome} (${because})`;
  switch (step.kind) {
    case 'leave':
      return 'left as it is';
    case 'reclaim':
      return words(await reclaimOrder(database, step.orderId, null, act));
    case 'close': {
      const reference = `audit:${facts.epoch}:${step.orderId}`;
      const { settled, because } = await closeOrderByAdmin(database, step.orderId, { reference, ...act });
      return settled === null ? (because ?? 'would be closed') : `${settled.outcome} (${settled.reason})`;
    }
    case 'catch-up':
      return words(await catchUpOrder(database, step.orderId, step.shown, act));
    case 'rebuild': {
      const rebuilt = await rebuildOrder(database, step.orderId, manifestOf(manifests.get(step.shown.uid)), act);
      if (rebuilt.outcome === 'refused' && !act.dryRun) await noteLostOrder(database, step.orderId, act);
      if (rebuilt.outcome !== 'rebuilt' && rebuilt.outcome !== 'exists') return words(rebuilt);
      return `${words(rebuilt)}, ${words(await catchUpOrder(database, step.orderId, step.shown, act))}`;
    }
  }
}

/** The bytes that the relay would post of this object, and its spec. */
function manifestOf(stored: unknown): { spec: unknown; videoJob: string } {
  const { metadata, spec } = parseVideoJob(stored);
  const { cancel: _cancel, suspend: _suspend, ttlSecondsAfterFinished: _ttl, ...sold } = spec;
  const videoJob = serializeVideoJob({
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: {
      name: metadata.name,
      labels: { [ORDER_LABEL]: spec.order.id },
      finalizers: [SETTLEMENT_FINALIZER],
    },
    spec: sold,
  });
  return { spec, videoJob };
}
