import { expect, it } from 'vitest';
import { z } from 'zod';
import { JOBS, VIDEOJOBS } from '../../src/kube/resources.ts';
import { buildVideoJob, serializeVideoJob } from '../../src/videojob/build.ts';
import { newOrderId } from '../../src/videojob/order-id.ts';
import { type ControllerBench, startControllerBench } from '../support/controller.ts';
import { waitFor } from '../support/wait.ts';

const refused = {
  Generated: 'False ClaimRefused',
  Delivered: 'False NotAttempted',
  CreditsSettled: 'True NoHold',
  Finished: 'True ClaimRefused',
};

/** Everything of the ledger that an order could change. */
async function books({ ledger }: ControllerBench): Promise<unknown> {
  return ledger.rows(
    `select order_id, claimed_by, admitted_at, state, (select count(*) from ledger.attempts) as attempts
     from ledger.orders join ledger.holds using (order_id) order by order_id`,
  );
}

const byHand = (orderId: string, changes: object = {}) =>
  serializeVideoJob(
    buildVideoJob({
      orderId,
      userId: 1,
      credits: 1,
      photo: 'photos/mine.jpg',
      template: 'ugc',
      generation: { provider: 'kie', model: 'model/1' },
      signingKey: 'not the key',
      ...changes,
    }),
  );

it('an object made by hand, of no order, ends refused and costs nothing', async () => {
  const bench = await startControllerBench();
  const orderId = newOrderId();
  const order = await bench.relayed({ orderId, userId: 1, videoJob: byHand(orderId) });
  await bench.condition(order, 'Finished', 'ClaimRefused');
  expect(await bench.conditions(order)).toEqual(refused);
  expect((await bench.status(order)).settlement).toBeUndefined();
  await waitFor(async () => (await bench.object(order))?.metadata.finalizers === undefined, { what: 'no finalizer' });
  expect(await bench.jobs()).toEqual([]);
  expect(await books(bench)).toEqual([]);
  await waitFor(async () => (await bench.events(order)).includes('ClaimRefused'), { what: 'the event' });
  expect(await bench.metrics.text()).toMatch(/neurocards_claims_refused_total\{reason="UnknownOrder"\} 1/);
  // Asked to cancel, to wait or to go, it changes nothing in the books either.
  await bench.change(order, { spec: { cancel: true, suspend: true } });
  await waitFor(async () => (await bench.status(order)).observedGeneration === 2, { what: 'the new generation' });
  await bench.change(order, { spec: { ttlSecondsAfterFinished: 0 } });
  await bench.gone(order);
  expect(await books(bench)).toEqual([]);
});

it.each([
  ['with another content', {}],
  ['with another content and a cancel', { cancel: true }],
])('an object that squats on the name of an open order %s is removed, and the true one is claimed', async (_, spec) => {
  const bench = await startControllerBench();
  const placed = await bench.placed();
  const before = await books(bench);
  const squatter = z.looseObject({ spec: z.looseObject({}) }).parse(JSON.parse(byHand(placed.orderId)));
  const manifest = JSON.stringify({ ...squatter, spec: { ...squatter.spec, ...spec } });
  const other = await bench.relayed({ ...placed, videoJob: manifest });
  await bench.gone(other);
  expect(await books(bench)).toEqual(before);
  expect(await bench.jobs()).toEqual([]);
  expect(await bench.metrics.text()).toMatch(/neurocards_claims_refused_total\{reason="OtherContent"\} 1/);
  const order = await bench.relayed(placed);
  await bench.condition(order, 'Finished', 'Generating');
  await bench.job(order, 'gen', 1);
});

it('an object that is deleted before its claim was answered is let go, and its order stays for the true one', async () => {
  const bench = await startControllerBench();
  const placed = await bench.placed();
  const other = await bench.relayed({ ...placed, videoJob: byHand(placed.orderId) });
  await bench.remove(other).catch(() => undefined);
  await bench.gone(other);
  const order = await bench.relayed(placed);
  await bench.condition(order, 'Finished', 'Generating');
});

it('our own object of an order that was settled meanwhile finishes with its reason', async () => {
  const bench = await startControllerBench();
  const placed = await bench.placed();
  await bench.ledger.bot.query('select ledger.cancel_order($1, $2)', [placed.orderId, placed.userId]);
  const order = await bench.relayed(placed);
  await bench.condition(order, 'Finished', 'Cancelled');
  expect(await bench.conditions(order)).toMatchObject({ CreditsSettled: 'True CreditsRefunded' });
  expect(await bench.jobs()).toEqual([]);
  expect(await bench.metrics.text()).not.toMatch(/neurocards_claims_refused_total\{reason="\w+"\} [1-9]/);
});

it('a foreign Job on the name of a child is left alone, and the next execution takes its place', async () => {
  const bench = await startControllerBench();
  const placed = await bench.placed();
  const name = `vj-${placed.orderId}-gen-1`;
  const foreign = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { suspend: true, template: bench.podOf() },
  };
  await bench.kube.create(JOBS, bench.namespace, foreign);
  const order = await bench.relayed(placed);
  await bench.job(order, 'gen', 2);
  expect(await bench.ledger.observe(order)).toMatchObject({
    generationExecutions: [
      { n: 1, endCause: 'Superseded' },
      { n: 2, endedAt: null },
    ],
  });
  const kept = await bench.kube.get(JOBS, { namespace: bench.namespace, name });
  expect(kept.metadata.deletionTimestamp).toBeUndefined();
});

it('a foreign Job that carries our labels under another name means nothing', async () => {
  const bench = await startControllerBench();
  const order = await bench.order();
  const { metadata } = await bench.job(order, 'gen', 1);
  const foreign = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'somebodys', labels: metadata.labels },
    spec: { suspend: true, template: bench.podOf() },
  };
  await bench.kube.create(JOBS, bench.namespace, foreign);
  const before = bench.writes.length;
  await bench.nudge(order);
  await bench.change(order, { spec: { ttlSecondsAfterFinished: 60 } });
  await waitFor(async () => (await bench.status(order)).observedGeneration === 2, { what: 'a pass' });
  expect(await bench.ledger.observe(order)).toMatchObject({ generationExecutions: [{ n: 1, endedAt: null }] });
  const written = bench.writes.slice(before).map(({ what }) => what);
  expect(written.filter((what) => what !== 'create events')).toEqual(['patch videojobs/status']);
});

it('a write that somebody else was faster with is repeated without a word', async () => {
  let raced = 0;
  const bench = await startControllerBench({
    beforeWrite: async ({ what, body }, kube) => {
      if (what !== 'patch videojobs/status' || raced >= 2) return;
      raced += 1;
      const { metadata } = z.looseObject({ metadata: z.looseObject({ uid: z.string() }) }).parse(body);
      const { items } = await kube.list(VIDEOJOBS, { namespace: bench.namespace });
      const found = items.find(({ metadata: { uid } }) => uid === metadata.uid);
      if (found === undefined) return;
      const target = { namespace: bench.namespace, name: found.metadata.name };
      await kube.patch(VIDEOJOBS, target, { metadata: { annotations: { faster: String(raced) } } });
    },
  });
  const order = await bench.order();
  await bench.condition(order, 'Finished', 'Generating');
  expect(raced).toBe(2);
  expect(bench.lines.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
  const claimed = async (): Promise<number> =>
    (await bench.events(order)).filter((reason) => reason === 'OrderClaimed').length;
  await waitFor(async () => (await claimed()) > 0, { what: 'the event' });
  expect(await claimed()).toBe(1);
});
