import type { KubeClient } from '../kube/client.ts';
import { type StoredVideoJob, VIDEOJOBS } from '../kube/resources.ts';
import { ORDER_ID_PATTERN } from '../videojob/order-id.ts';
import { parseVideoJob } from '../videojob/parse.ts';
import { computeSpecHash, verifyOrder } from '../videojob/spec-hash.ts';
import type { AuditedObject } from './differences.ts';

const page = 500;
const prefix = 'vj-';

/** Every VideoJob of the namespace as the API server itself has it, never a cache. */
export async function listVideoJobs(kube: KubeClient, namespace: string): Promise<StoredVideoJob[]> {
  const found: StoredVideoJob[] = [];
  let token: string | undefined;
  do {
    const { items, continue: next } = await kube.list(VIDEOJOBS, { namespace, limit: page, continue: token });
    found.push(...items);
    token = next;
  } while (token !== undefined);
  return found;
}

/** What the auditor compares of an object. One that cannot be read is still there, under its name. */
export function auditedObject(stored: StoredVideoJob, macKey: string): AuditedObject | null {
  const { name, uid } = stored.metadata;
  const orderId = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  if (!ORDER_ID_PATTERN.test(orderId)) return null;
  try {
    const { spec, status } = parseVideoJob(stored);
    const specHash = computeSpecHash(spec);
    return { orderId, uid, specHash, signed: verifyOrder(macKey, orderId, specHash, spec.order.mac), status };
  } catch {
    return { orderId, uid, specHash: null, signed: false, status: {} };
  }
}
