import { z } from 'zod';

const Names = z.record(z.string(), z.string());
const KeyRef = z.looseObject({ name: z.string().default(''), key: z.string(), optional: z.boolean().default(false) });
const SourceRef = z.looseObject({ name: z.string().default(''), optional: z.boolean().default(false) });

const EnvVar = z.looseObject({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z
    .looseObject({
      secretKeyRef: KeyRef.optional(),
      configMapKeyRef: KeyRef.optional(),
      fieldRef: z.looseObject({ fieldPath: z.string() }).optional(),
    })
    .optional(),
});

const EnvFrom = z.looseObject({
  prefix: z.string().default(''),
  secretRef: SourceRef.optional(),
  configMapRef: SourceRef.optional(),
});

const VolumeMount = z.looseObject({ name: z.string(), mountPath: z.string(), subPath: z.string().default('') });

const Container = z.looseObject({
  name: z.string(),
  image: z.string().default(''),
  imagePullPolicy: z.string().default('IfNotPresent'),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  env: z.array(EnvVar).default([]),
  envFrom: z.array(EnvFrom).default([]),
  volumeMounts: z.array(VolumeMount).default([]),
  resources: z.looseObject({ requests: Names.default({}) }).default({ requests: {} }),
  terminationMessagePath: z.string().default('/dev/termination-log'),
  terminationMessagePolicy: z.enum(['File', 'FallbackToLogsOnError']).default('File'),
});

const FileItems = z.array(z.looseObject({ key: z.string(), path: z.string(), mode: z.number().optional() }));

const Volume = z.looseObject({
  name: z.string(),
  emptyDir: z.looseObject({}).optional(),
  secret: z
    .looseObject({
      secretName: z.string(),
      items: FileItems.optional(),
      defaultMode: z.number().default(0o644),
      optional: z.boolean().default(false),
    })
    .optional(),
  configMap: z
    .looseObject({
      name: z.string().default(''),
      items: FileItems.optional(),
      defaultMode: z.number().default(0o644),
      optional: z.boolean().default(false),
    })
    .optional(),
  persistentVolumeClaim: z.looseObject({ claimName: z.string() }).optional(),
});

const Condition = z.looseObject({ type: z.string(), status: z.string(), lastTransitionTime: z.string().nullish() });

/** What a node reads of a Pod; unknown fields are kept, so that they can be refused by name. */
export const Pod = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    generation: z.number().optional(),
    labels: Names.default({}),
    annotations: Names.default({}),
    deletionTimestamp: z.string().optional(),
    deletionGracePeriodSeconds: z.number().optional(),
  }),
  spec: z.looseObject({
    nodeName: z.string().default(''),
    nodeSelector: Names.default({}),
    schedulingGates: z.array(z.unknown()).default([]),
    restartPolicy: z.string().default('Always'),
    serviceAccountName: z.string().default('default'),
    terminationGracePeriodSeconds: z.number().default(30),
    activeDeadlineSeconds: z.number().optional(),
    containers: z.array(Container),
    volumes: z.array(Volume).default([]),
  }),
  status: z.looseObject({
    phase: z.string().default('Pending'),
    startTime: z.string().optional(),
    conditions: z.array(Condition).default([]),
  }),
});

export type Pod = z.infer<typeof Pod>;
export type Container = z.infer<typeof Container>;
export type Volume = z.infer<typeof Volume>;
export type EnvVar = z.infer<typeof EnvVar>;
export type VolumeMount = z.infer<typeof VolumeMount>;

/** Whether the Pod's end has been written to the API server. */
export function isTerminal(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

/** `namespace/name`, as people write it. */
export function podName(pod: Pod): string {
  return `${pod.metadata.namespace}/${pod.metadata.name}`;
}

/** The address of a Pod at the API server. */
export function podPath({ namespace, name }: { namespace: string; name: string }): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
}
