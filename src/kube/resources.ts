import { z } from 'zod';
import { API_VERSION, GROUP, KIND, PLURAL } from '../videojob/names.ts';

/*
 * The kinds we read and write, as raw JSON with only the fields we use checked. Unknown fields are kept: what a newer API
 * server says must survive. Times are RFC 3339 strings, as on the wire.
 */

const ownerReference = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
});

const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.int().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(ownerReference).optional(),
});

const object = z.looseObject({ metadata });

/** Spec and status stay unread here: whether they make sense is the controller's question, and it has an answer. */
const videoJob = object.extend({ spec: z.unknown().optional(), status: z.unknown().optional() });

const condition = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().nullish(),
});

const job = object.extend({
  spec: z.looseObject({
    managedBy: z.string().optional(),
    suspend: z.boolean().optional(),
    activeDeadlineSeconds: z.int().optional(),
  }),
  status: z
    .looseObject({
      active: z.int().optional(),
      ready: z.int().optional(),
      terminating: z.int().optional(),
      succeeded: z.int().optional(),
      failed: z.int().optional(),
      startTime: z.string().optional(),
      completionTime: z.string().optional(),
      conditions: z.array(condition).optional(),
    })
    .default({}),
});

const containerStatus = z.looseObject({
  name: z.string(),
  ready: z.boolean().optional(),
  restartCount: z.int().optional(),
  state: z
    .looseObject({
      waiting: z.looseObject({ reason: z.string().optional(), message: z.string().optional() }).optional(),
      running: z.looseObject({ startedAt: z.string().nullish() }).optional(),
      terminated: z
        .looseObject({
          exitCode: z.int(),
          reason: z.string().optional(),
          signal: z.int().optional(),
          message: z.string().optional(),
          startedAt: z.string().nullish(),
          finishedAt: z.string().nullish(),
        })
        .optional(),
    })
    .optional(),
});

const pod = object.extend({
  spec: z.looseObject({ nodeName: z.string().optional() }),
  status: z
    .looseObject({
      phase: z.string().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      conditions: z.array(condition).optional(),
      initContainerStatuses: z.array(containerStatus).optional(),
      containerStatuses: z.array(containerStatus).optional(),
    })
    .default({}),
});

const lease = object.extend({
  spec: z
    .looseObject({
      holderIdentity: z.string().optional(),
      leaseDurationSeconds: z.int().optional(),
      acquireTime: z.string().optional(),
      renewTime: z.string().optional(),
      leaseTransitions: z.int().optional(),
    })
    .default({}),
});

const configMap = object.extend({ data: z.record(z.string(), z.string()).optional() });

const event = object.extend({
  reason: z.string().optional(),
  message: z.string().optional(),
  type: z.string().optional(),
  count: z.int().optional(),
  firstTimestamp: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  involvedObject: z.looseObject({
    kind: z.string().optional(),
    name: z.string().optional(),
    uid: z.string().optional(),
  }),
});

export type KubeObject = z.output<typeof object>;
export type StoredVideoJob = z.output<typeof videoJob>;
export type Job = z.output<typeof job>;
export type Pod = z.output<typeof pod>;
export type Lease = z.output<typeof lease>;
export type ConfigMap = z.output<typeof configMap>;
export type Event = z.output<typeof event>;

/** A kind of object: where it lives and how it is read. */
export interface Resource<T extends KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  /** `/api/v1` or `/apis/<group>/<version>`. */
  readonly root: string;
  /** Throws ZodError for an object that lacks what every object of this kind has. */
  parse(value: unknown): T;
}

function core<T extends KubeObject>(kind: string, plural: string, schema: z.ZodType<T>): Resource<T> {
  return { apiVersion: 'v1', kind, plural, root: '/api/v1', parse: (value) => schema.parse(value) };
}

function grouped<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  schema: z.ZodType<T>,
): Resource<T> {
  return { apiVersion, kind, plural, root: `/apis/${apiVersion}`, parse: (value) => schema.parse(value) };
}

export const VIDEOJOBS = grouped<StoredVideoJob>(API_VERSION, KIND, PLURAL, videoJob);
export const JOBS = grouped<Job>('batch/v1', 'Job', 'jobs', job);
export const LEASES = grouped<Lease>('coordination.k8s.io/v1', 'Lease', 'leases', lease);
export const PODS = core<Pod>('Pod', 'pods', pod);
export const CONFIGMAPS = core<ConfigMap>('ConfigMap', 'configmaps', configMap);
export const EVENTS = core<Event>('Event', 'events', event);

/** Path of the CRD, to ask whether the API server knows our kind. */
export const VIDEOJOBS_CRD_PATH = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${PLURAL}.${GROUP}`;

/** `namespace/name`, the key of the queue and of the store. */
export function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return `${namespace ?? ''}/${name}`;
}

/** The parts of a key. Throws TypeError for anything else. */
export function splitKey(key: string): { namespace: string; name: string } {
  const [namespace, name, ...rest] = key.split('/');
  if (namespace === undefined || name === undefined || rest.length > 0) {
    throw new TypeError(`"${key}" is not namespace/name.`);
  }
  return { namespace, name };
}
