import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { createLeaseElection, LeaseLostError } from '../../src/kube/lease.ts';
import { LEASES } from '../../src/kube/resources.ts';
import { createLogger } from '../../src/log/logger.ts';
import { createTestNamespace } from '../support/namespace.ts';
import { waitFor } from '../support/wait.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const times = { durationMs: 2_000, renewDeadlineMs: 1_200, retryMs: 200 };
let client: KubeClient;

beforeAll(() => {
  client = createKubeClient({ kubeconfig: inject('kubeconfig'), userAgent: 'neurocards-test' });
});
afterAll(() => client.close());

async function aLease() {
  const namespace = await createTestNamespace();
  const lease = { namespace: namespace.name, name: 'controller' };
  const holder = async () => (await client.find(LEASES, lease))?.spec.holderIdentity;
  const candidate = (identity: string, of: KubeClient = client) => {
    const stop = new AbortController();
    const election = createLeaseElection({ client: of, lease, identity, log, ...times });
    const lead = async (leading: AbortSignal) =>
      new Promise<void>((resolve) => leading.addEventListener('abort', () => resolve(), { once: true }));
    const ended = election.run(stop.signal, lead);
    ended.catch(() => undefined);
    onTestFinished(async () => {
      stop.abort();
      await ended.catch(() => undefined);
    });
    return { election, ended, stop: () => stop.abort() };
  };
  return { lease, holder, candidate };
}

test('one of two candidates leads; when it stops it releases, and the other follows at once', async () => {
  const { holder, candidate } = await aLease();
  const a = candidate('a');
  await waitFor(() => a.election.isLeader, { what: 'the first leader' });
  const b = candidate('b');
  await waitFor(async () => (await holder()) === 'a' && !b.election.isLeader, { what: 'one leader' });
  const start = performance.now();
  a.stop();
  await a.ended;
  expect(a.election.isLeader).toBe(false);
  await waitFor(() => b.election.isLeader, { what: 'the successor' });
  expect(performance.now() - start).toBeLessThan(times.durationMs);
  expect(await holder()).toBe('b');
});

test('a lease whose holder is silent is taken after its duration was seen to pass, whatever its times say', async () => {
  const { lease, candidate } = await aLease();
  await client.create(LEASES, lease.namespace, {
    apiVersion: LEASES.apiVersion,
    kind: LEASES.kind,
    metadata: { name: lease.name },
    // Its clock is a year behind: only what we observe counts.
    spec: {
      holderIdentity: 'dead',
      leaseDurationSeconds: 2,
      renewTime: '2025-01-01T00:00:00.000000Z',
      leaseTransitions: 4,
    },
  });
  const start = performance.now();
  const { election } = candidate('a');
  await waitFor(() => election.isLeader, { what: 'the takeover' });
  expect(performance.now() - start).toBeGreaterThanOrEqual(2_000);
  expect((await client.get(LEASES, lease)).spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 5 });
});

test('a leader whose renewals fail gives up before anybody else may lead, and says so', async () => {
  const { candidate, holder } = await aLease();
  const cutOff = createKubeClient({ kubeconfig: inject('kubeconfig'), userAgent: 'neurocards-test' });
  const a = candidate('a', cutOff);
  await waitFor(() => a.election.isLeader, { what: 'the first leader' });
  const b = candidate('b');
  await waitFor(async () => (await holder()) === 'a', { what: 'the lease' });
  await cutOff.close();
  await expect(a.ended).rejects.toBeInstanceOf(LeaseLostError);
  expect([a.election.isLeader, b.election.isLeader]).toEqual([false, false]);
  await waitFor(() => b.election.isLeader, { what: 'the successor' });
});
