import { setTimeout as pause } from 'node:timers/promises';
import { listVideoJobs } from '../audit/audited-objects.ts';
import { releaseObject } from '../audit/restoring.ts';
import { isNotFound } from '../kube/error.ts';
import { LEASES, type StoredVideoJob, VIDEOJOBS } from '../kube/resources.ts';
import { SETTLEMENT_FINALIZER } from '../videojob/names.ts';
import { ORDER_ID_PATTERN } from '../videojob/order-id.ts';
import { type Cluster, withCluster } from './cluster.ts';
import { type Admin, actOf, type Command, UsageError } from './command.ts';

const leaseName = 'neurocards-controller';
const lookEveryMs = 500;

export const releaseFinalizers: Command = {
  words: 'release-finalizers',
  usage: '',
  about: 'where no controller is left: settles VideoJobs that are being deleted, and lets them go',
  run: (rest, admin) => {
    if (rest.length > 0)
      throw new UsageError('release-finalizers takes no words: it looks at every VideoJob of NEUROCARDS_NAMESPACE');
    actOf(admin);
    return withCluster(admin.env, async (cluster) => {
      const holder = await controllerAtWork(cluster);
      if (holder !== null) {
        admin.terminal.err(
          `A controller holds the lease (${holder}) and settles by itself: look into its log, or scale it to 0 first.\n`,
        );
        return 1;
      }
      return release(await listVideoJobs(cluster.kube, cluster.namespace), cluster, admin);
    });
  },
};

/** Who renews the lease, or null. The clocks of machines differ, so it is watched for as long as it lasts. */
async function controllerAtWork({ kube, own }: Cluster): Promise<string | null> {
  const first = await kube.find(LEASES, own(leaseName));
  const holder = first?.spec.holderIdentity;
  if (first === undefined || !holder) return null;
  const until = performance.now() + (first.spec.leaseDurationSeconds ?? 15) * 1000;
  while (performance.now() < until) {
    await pause(lookEveryMs);
    const now = await kube.find(LEASES, own(leaseName));
    if (!now?.spec.holderIdentity) return null;
    if (now.metadata.resourceVersion !== first.metadata.resourceVersion) return now.spec.holderIdentity;
  }
  return null;
}

async function release(stored: readonly StoredVideoJob[], { kube }: Cluster, admin: Admin): Promise<number> {
  const { database, terminal } = admin;
  const act = actOf(admin);
  let left = 0;
  const waiting = stored.filter(
    ({ metadata }) => metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(SETTLEMENT_FINALIZER),
  );
  for (const object of waiting) {
    const { name, uid } = object.metadata;
    const orderId = name.replace(/^vj-/, '');
    const { settled, because, letGo } = ORDER_ID_PATTERN.test(orderId)
      ? await releaseObject(database, orderId, uid, act)
      : { settled: null, because: null, letGo: true };
    if (!letGo) {
      left += 1;
      terminal.err(`${name} is kept: ${because ?? 'its order is not settled'}\n`);
      continue;
    }
    if (!act.dryRun) await dropFinalizer(object, kube);
    const said = settled === null ? (because ?? 'nothing is held for it') : `${settled.outcome} (${settled.reason})`;
    terminal.out(`${name} ${act.dryRun ? 'would be let go' : 'is let go'}: ${said}\n`);
  }
  if (waiting.length === 0) terminal.out('No VideoJob waits for its finalizer.\n');
  return left === 0 ? 0 : 1;
}

async function dropFinalizer({ metadata }: StoredVideoJob, kube: Cluster['kube']): Promise<void> {
  const { namespace = '', name, uid, resourceVersion, finalizers = [] } = metadata;
  const patch = {
    metadata: { uid, resourceVersion, finalizers: finalizers.filter((one) => one !== SETTLEMENT_FINALIZER) },
  };
  try {
    await kube.patch(VIDEOJOBS, { namespace, name }, patch);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
