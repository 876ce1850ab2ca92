import { auditedObject, listVideoJobs } from '../audit/audited-objects.ts';
import { type AuditedBooks, readAuditedBooks } from '../audit/books.ts';
import { type DatabaseFacts, readDatabaseFacts } from '../audit/database-facts.ts';
import type { AuditedObject } from '../audit/differences.ts';
import { MARK_NAME, readMark, type StoredMark } from '../audit/mark-store.ts';
import { planResolution, type Step } from '../audit/resolution.ts';
import { JOBS } from '../kube/resources.ts';
import { type Figures, readFigures } from '../ledger/audit.ts';
import { ORDER_LABEL, STAGE_LABEL } from '../videojob/names.ts';
import type { Cluster } from './cluster.ts';
import type { Admin } from './command.ts';

/** Both sides, read in the order in which a difference means something. */
export interface BothSides {
  readonly facts: DatabaseFacts;
  readonly mark: StoredMark['mark'];
  readonly books: AuditedBooks;
  readonly payments: Figures['payments'];
  readonly objects: readonly AuditedObject[];
  readonly manifests: ReadonlyMap<string, unknown>;
  readonly steps: readonly Step[];
}

/** @throws when a setting is missing, or one side cannot be read: half a picture resolves nothing. */
export async function readBothSides({ database, env }: Admin, { kube, namespace, own }: Cluster): Promise<BothSides> {
  const macKey = env.NEUROCARDS_MAC_KEY;
  if (macKey === undefined)
    throw new Error('this tells forgotten orders from foreign objects: set NEUROCARDS_MAC_KEY, as the bot has it');
  const facts = await readDatabaseFacts(database);
  const { mark } = await readMark(kube, own(MARK_NAME));
  const stored = await listVideoJobs(kube, namespace);
  const objects = stored.flatMap((one) => auditedObject(one, macKey) ?? []);
  const jobs = await generationJobs({ kube, namespace });
  const books = await readAuditedBooks(
    database,
    objects.map(({ orderId }) => orderId),
  );
  const { payments } = await readFigures(database);
  const steps = planResolution({ cause: facts.cause ?? 'cluster-forgot', objects, books, jobs });
  return {
    ...{ facts, mark, books, payments, objects },
    manifests: new Map(stored.map((one) => [one.metadata.uid, one])),
    steps: facts.state === 'audit' ? steps : [],
  };
}

/** The highest number of a generation Job of each order: a Job that exists may have submitted. */
async function generationJobs({ kube, namespace }: Pick<Cluster, 'kube' | 'namespace'>): Promise<Map<string, number>> {
  const highest = new Map<string, number>();
  const { items } = await kube.list(JOBS, { namespace, labelSelector: `${STAGE_LABEL}=generate` });
  for (const { metadata } of items) {
    const orderId = metadata.labels?.[ORDER_LABEL];
    const number = Number(/-gen-(\d+)$/.exec(metadata.name)?.[1] ?? 0);
    if (orderId !== undefined) highest.set(orderId, Math.max(number, highest.get(orderId) ?? 0));
  }
  return highest;
}
