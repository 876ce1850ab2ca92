import type { Container, Pod, Volume } from './pod.ts';

const words = (...lines: string[]) => new Set(lines.flatMap((line) => line.split(' ')));

// The second line of each holds what is accepted without effect: one local machine has nothing to isolate or prefer.
const podFields = words(
  'nodeName nodeSelector schedulingGates restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds containers',
  'securityContext tolerations priority priorityClassName preemptionPolicy schedulerName serviceAccountName',
  'volumes serviceAccount automountServiceAccountToken enableServiceLinks imagePullSecrets dnsPolicy hostname os resources',
);
const containerFields = words(
  'name image imagePullPolicy command args env envFrom volumeMounts terminationMessagePath terminationMessagePolicy',
  'securityContext resources resizePolicy ports',
);
const mountFields = words('name mountPath subPath readOnly', 'recursiveReadOnly');
const volumeFields = words('name emptyDir secret configMap persistentVolumeClaim');
const envSources = words('secretKeyRef configMapKeyRef fieldRef');

/** Paths that `fieldRef` may name; labels and annotations by key as well. */
const podFieldPaths = words(
  'metadata.name metadata.namespace metadata.uid spec.nodeName spec.serviceAccountName',
  'status.hostIP status.hostIPs status.podIP status.podIPs',
);

/**
 * The path of the first field of this Pod that the node does not implement (`spec.initContainers`), or undefined when
 * it can run the Pod as asked. A field left at an empty value counts as unset.
 */
export function unimplementedField(pod: Pod): string | undefined {
  const { spec } = pod;
  const unknown = firstUnknown(spec, podFields, 'spec');
  if (unknown !== undefined) return unknown;
  if (spec.restartPolicy !== 'Never') return `spec.restartPolicy: ${spec.restartPolicy}`;
  if (spec.containers.length > 1) return 'spec.containers[1]';
  return (
    firstFound(spec.volumes, (volume, index) => unimplementedVolume(volume, `spec.volumes[${index}]`)) ??
    firstFound(spec.containers, (container, index) => unimplementedInContainer(container, `spec.containers[${index}]`))
  );
}

function unimplementedVolume(volume: Volume, path: string): string | undefined {
  return firstUnknown(volume, volumeFields, path);
}

function unimplementedInContainer(container: Container, path: string): string | undefined {
  return (
    firstUnknown(container, containerFields, path) ??
    firstFound(container.volumeMounts, (mount, index) =>
      firstUnknown(mount, mountFields, `${path}.volumeMounts[${index}]`),
    ) ??
    firstFound(container.env, ({ valueFrom }, index) => {
      if (!valueFrom) return undefined;
      const at = `${path}.env[${index}].valueFrom`;
      const fieldPath = valueFrom.fieldRef?.fieldPath;
      if (fieldPath !== undefined && !isReadable(fieldPath)) return `${at}.fieldRef: ${fieldPath}`;
      return firstUnknown(valueFrom, envSources, at);
    })
  );
}

function isReadable(fieldPath: string): boolean {
  return podFieldPaths.has(fieldPath) || /^metadata\.(labels|annotations)\['[^']+'\]$/.test(fieldPath);
}

function firstUnknown(object: object, known: Set<string>, path: string): string | undefined {
  for (const [field, value] of Object.entries(object)) {
    if (!known.has(field) && !isEmpty(value)) return `${path}.${field}`;
  }
  return undefined;
}

function firstFound<T>(items: T[], find: (item: T, index: number) => string | undefined): string | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '' || value === 0) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
