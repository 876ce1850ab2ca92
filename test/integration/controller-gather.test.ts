import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { type GatherTools, gather } from '../../src/controller/gather.ts';
import { watchMissingObjects } from '../../src/controller/missing.ts';
import { type ReconcileTools, reconcile } from '../../src/controller/reconcile.ts';
import { VIDEOJOBS } from '../../src/kube/resources.ts';
import { openExecution } from '../../src/ledger/executions.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { TestLedger } from '../support/ledger.ts';
import { answerJson, startScriptedApiServer } from '../support/scripted-api-server.ts';

const pod = {
  metadata: { labels: {}, annotations: {} },
  spec: { containers: [{ name: 'runner', image: 'runner', env: [] }] },
};

/** A placed order, its object as the API server has it, and a controller whose cache is empty. */
async function setUp(jobs: Record<string, object> = {}) {
  const ledger = await TestLedger.open();
  const placement = ledger.placement(await ledger.person());
  await ledger.place(placement);
  const [order] = placement.orders;
  if (order === undefined) throw new Error('a placement without an order');
  const uid = randomUUID();
  const posted = JSON.parse(order.videoJob) as { metadata: object; spec: object };
  const metadata = {
    namespace: 'jobs',
    uid,
    resourceVersion: '7',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  const stored = (spec: object = {}) =>
    VIDEOJOBS.parse({ ...posted, metadata: { ...posted.metadata, ...metadata }, spec: { ...posted.spec, ...spec } });
  /** What a PATCH is answered; undefined: with the object. */
  const refusal: { code?: number } = {};
  const patches: unknown[] = [];
  const server = await startScriptedApiServer((request, response) => {
    if (request.method === 'PATCH') {
      let text = '';
      request.on('data', (part: Buffer) => {
        text += part.toString();
      });
      request.on('end', () => {
        patches.push(JSON.parse(text));
        if (refusal.code === undefined) answerJson(response, 200, { ...stored(), kind: 'VideoJob' });
        else
          answerJson(response, refusal.code, { kind: 'Status', code: refusal.code, reason: 'Conflict', message: 'no' });
      });
      return;
    }
    const job = jobs[request.url?.split('/').at(-1)?.split('?')[0] ?? ''];
    if (job === undefined)
      answerJson(response, 404, { kind: 'Status', code: 404, reason: 'NotFound', message: 'none' });
    else answerJson(response, 200, job);
  });
  const tools: GatherTools = {
    database: ledger.controller,
    kube: server.client,
    templates: { generate: pod, deliver: pod },
    macKey: 'test',
    cachedJobs: () => [],
    terminating: { since: () => null },
  };
  const reconciling: ReconcileTools = {
    ...tools,
    log: pino({ level: 'silent' }),
    rememberWritten: () => undefined,
    rememberOutdated: () => undefined,
    recordEvents: () => undefined,
    onClaimRefused: () => undefined,
  };
  return { ledger, order, uid, stored, tools, server, jobs, reconciling, refusal, patches };
}

describe('what a controller gathers of an object', () => {
  it('whose content was altered is a refused claim, whatever hash it says it has', async () => {
    const { stored, tools, server, ledger } = await setUp();
    const { claim } = await gather(stored({ activeDeadlineSeconds: 60_000 }), tools);
    expect(claim).toMatchObject({ answer: 'refused', reason: 'OtherContent' });
    expect(await ledger.rows('select 1 from ledger.orders where claimed_by is not null')).toEqual([]);
    await server.close();
  });

  it('of an order that another object claimed is a refused claim', async () => {
    const { ledger, order, stored, tools, server } = await setUp();
    await claimOrder(ledger.controller, order.orderId, 'another', order.specHash);
    const { claim, observation } = await gather(stored(), tools);
    expect(claim).toMatchObject({ answer: 'refused', reason: 'OtherClaimant' });
    expect(observation).toBeNull();
    await server.close();
  });

  it('has a Job that its cache does not have, but the API server', async () => {
    const { ledger, order, uid, stored, tools, server, jobs } = await setUp();
    await gather(stored(), tools);
    await openExecution(ledger.controller, order.orderId, uid, 'generation', 1);
    const name = `vj-${order.orderId}-gen-1`;
    jobs[name] = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace: 'jobs', uid: 'job-1', resourceVersion: '8' },
      spec: {},
    };
    const { jobs: found } = await gather(stored(), tools);
    expect(found.map((job) => job.name)).toEqual([name]);
    await server.close();
  });
});

describe('a pass', () => {
  it('mirrors the status only into the version and the object it read', async () => {
    const { uid, stored, reconciling, server, patches } = await setUp();
    await reconcile(stored({ activeDeadlineSeconds: 60_000 }), reconciling);
    expect(patches).toMatchObject([{ metadata: { uid, resourceVersion: '7' } }]);
    await server.close();
  });

  it('leaves a status that somebody wrote meanwhile to the next one', async () => {
    const { stored, reconciling, server, refusal, patches } = await setUp();
    refusal.code = 409;
    const failure = await reconcile(stored({ activeDeadlineSeconds: 60_000 }), reconciling).catch(
      (error: unknown) => error,
    );
    expect(patches).toHaveLength(1);
    expect(failure).not.toBeInstanceOf(Error);
    await server.close();
  });

  it('closes an order whose object is gone only after two looks a minute apart', async () => {
    const { ledger, order, stored, tools, server } = await setUp();
    await gather(stored(), tools);
    const missing = watchMissingObjects(ledger.controller, pino({ level: 'silent' }));
    const againMs = await missing.seenMissing(order.orderId);
    expect((await ledger.observe(order)).settled).toBeNull();
    expect(againMs).toBeGreaterThan(50_000);
    await server.close();
  });
});
