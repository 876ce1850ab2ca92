import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { installVideoJobCrd } from '../../dev/videojob-crd.ts';
import { run } from '../../src/admin/main.ts';
import { enterAuditMode, readDatabaseFacts } from '../../src/audit/database-facts.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { LEASES, VIDEOJOBS } from '../../src/kube/resources.ts';
import { readBalance } from '../../src/ledger/people.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { TestLedger } from '../support/ledger.ts';
import { createTestNamespace } from '../support/namespace.ts';
import { waitFor } from '../support/wait.ts';

/** Books and a namespace with one claimed VideoJob, and no controller. */
async function withoutController() {
  const [ledger, namespace] = await Promise.all([TestLedger.open(), createTestNamespace()]);
  const kube = createKubeClient({ kubeconfig: inject('kubeconfig'), userAgent: 'neurocards-test' });
  onTestFinished(() => kube.close());
  await installVideoJobCrd(kube);
  vi.stubEnv('KUBECONFIG', inject('kubeconfig'));
  onTestFinished(() => void vi.unstubAllEnvs());
  const person = await ledger.person();
  const placement = ledger.placement(person);
  await ledger.place(placement);
  const [order] = placement.orders;
  if (order === undefined) throw new Error('no order');
  const object = await kube.create(VIDEOJOBS, namespace.name, order.videoJob, { fieldValidation: 'Strict' });
  const { uid, name } = object.metadata;
  await claimOrder(ledger.controller, order.orderId, uid, order.specHash);
  const at = { namespace: namespace.name, name };
  return {
    ...{ ledger, kube, person, uid, at, orderId: order.orderId },
    async admin(...words: string[]) {
      let said = '';
      const say = (text: string): void => {
        said += text;
      };
      const terminal = { out: say, err: say };
      const variables = {
        NEUROCARDS_DATABASE_URL: ledger.adminUrl,
        NEUROCARDS_NAMESPACE: namespace.name,
        NEUROCARDS_OWN_NAMESPACE: namespace.name,
        NEUROCARDS_MAC_KEY: 'test',
        NEUROCARDS_ACTOR: 'tester',
      };
      return { code: await run(words, variables, terminal), said };
    },
    remove: () => kube.delete(VIDEOJOBS, at, { uid }),
    /** The lease as a controller keeps it. */
    async lease(leaseDurationSeconds: number) {
      const spec = { holderIdentity: 'controller-1', leaseDurationSeconds };
      const body = {
        apiVersion: LEASES.apiVersion,
        kind: LEASES.kind,
        metadata: { name: 'neurocards-controller' },
        spec,
      };
      const target = { namespace: namespace.name, name: 'neurocards-controller' };
      await kube.create(LEASES, namespace.name, body);
      return () => kube.patch(LEASES, target, { metadata: { annotations: { at: String(performance.now()) } } });
    },
  };
}

const because = ['--reason', 'a test'];

describe('release-finalizers', () => {
  it('settles a VideoJob that is being deleted and lets it go, and leaves the others', async () => {
    const { ledger, kube, at, person, orderId, admin, remove } = await withoutController();
    expect(await admin('release-finalizers', ...because)).toEqual({
      code: 0,
      said: 'No VideoJob waits for its finalizer.\n',
    });
    await remove();
    const rehearsed = await admin('release-finalizers', '--dry-run');
    expect(rehearsed).toMatchObject({ code: 0, said: expect.stringContaining('would be let go') });
    expect(await kube.find(VIDEOJOBS, at)).toBeDefined();
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ held: 1 });

    const done = await admin('release-finalizers', ...because);
    expect(done).toEqual({ code: 0, said: `vj-${orderId} is let go: released (Deleted)\n` });
    expect(await kube.find(VIDEOJOBS, at)).toBeUndefined();
    expect(await readBalance(ledger.bot, person.userId)).toMatchObject({ held: 0, available: 100 });
    expect(await ledger.rows(`select command, actor from ledger.admin_actions where command <> 'grant'`, [])).toEqual([
      { command: 'release finalizer', actor: 'tester' },
    ]);
  });

  it('refuses while a controller renews its lease, and believes in none that is gone', async () => {
    const { kube, at, admin, remove, lease } = await withoutController();
    const renew = await lease(2);
    await remove();
    const renewing = setInterval(() => void renew().catch(() => undefined), 300);
    const refused = await admin('release-finalizers', ...because);
    clearInterval(renewing);
    expect(refused).toMatchObject({ code: 1, said: expect.stringContaining('controller-1') });
    expect(await kube.find(VIDEOJOBS, at)).toBeDefined();
    expect(await admin('release-finalizers', ...because)).toMatchObject({ code: 0 });
    await waitFor(async () => (await kube.find(VIDEOJOBS, at)) === undefined, { what: 'the object to be gone' });
  });

  it('settles nothing in audit mode', async () => {
    const { ledger, kube, at, admin, remove } = await withoutController();
    await remove();
    await enterAuditMode(ledger.controller, 1, 'cluster-forgot', 'a test');
    expect(await admin('release-finalizers', ...because)).toMatchObject({
      code: 1,
      said: expect.stringContaining('audit mode'),
    });
    expect(await kube.find(VIDEOJOBS, at)).toBeDefined();
  });
});

describe('audit', () => {
  it('says that both sides agree, or lists what differs, both ways', async () => {
    const { kube, ledger, person, at, uid, orderId, admin } = await withoutController();
    expect(await admin('audit')).toMatchObject({
      code: 0,
      said: expect.stringMatching(/no audit mode[\s\S]*differences 0/),
    });
    const [foreign] = ledger.placement(person, 1, { signingKey: 'of somebody else' }).orders;
    await kube.create(VIDEOJOBS, at.namespace, foreign?.videoJob ?? '', { fieldValidation: 'Strict' });
    await kube.patch(VIDEOJOBS, at, { metadata: { finalizers: null } });
    await kube.delete(VIDEOJOBS, at, { uid });
    const listed = await admin('audit');
    expect(listed.code).toBe(1);
    expect(listed.said).toMatch(new RegExp(`order-without-object +${orderId} +${uid}`));
    expect(listed.said).toMatch(new RegExp(`object-without-order +${foreign?.orderId ?? ''}`));
    expect(await admin('audit', '--resolve', ...because)).toMatchObject({
      code: 1,
      said: expect.stringContaining('nothing to resolve'),
    });
  });

  it('resolves what was found, after a rehearsal that changes nothing', async () => {
    const { ledger, kube, at, uid, orderId, admin } = await withoutController();
    await kube.patch(VIDEOJOBS, at, { metadata: { finalizers: null } });
    await kube.delete(VIDEOJOBS, at, { uid });
    await enterAuditMode(ledger.controller, 1, 'cluster-forgot', 'a test');
    expect(await admin('audit')).toMatchObject({
      code: 1,
      said: expect.stringMatching(/AUDIT MODE since[\s\S]*--resolve +/),
    });
    expect(await admin('audit', '--resolve')).toMatchObject({ code: 2, said: expect.stringContaining('say why') });
    expect(await admin('audit', '--resolve', '--dry-run')).toMatchObject({
      code: 0,
      said: expect.stringContaining('would-reclaim'),
    });
    expect((await readDatabaseFacts(ledger.controller)).state).toBe('audit');
    const done = await admin('audit', '--resolve', ...because);
    expect(done).toMatchObject({
      code: 0,
      said: expect.stringMatching(new RegExp(`${orderId} .*: reclaimed[\\s\\S]*epoch 2 begins`)),
    });
    expect((await readDatabaseFacts(ledger.controller)).state).toBe('resolved');
  });
});
