import type { Container, EnvVar, Pod } from './pod.ts';
import type { Sources } from './sources.ts';
import { SourceError } from './sources.ts';

/**
 * The variables a container's spec asks for, as a kubelet resolves them: `envFrom` first, then `env` in order, later
 * ones winning, `$(NAME)` expanded from those before it. Pure.
 * @throws SourceError when a Secret or ConfigMap, or a key of it, is missing and not optional.
 */
export function resolveEnvironment(container: Container, pod: Pod, sources: Sources): Map<string, string> {
  const environment = new Map<string, string>();
  for (const { prefix, secretRef, configMapRef } of container.envFrom) {
    const [kind, ref] = secretRef ? (['Secret', secretRef] as const) : (['ConfigMap', configMapRef] as const);
    const data = ref && sources.read(kind, ref.name, ref.optional);
    for (const [key, value] of data ?? []) environment.set(prefix + key, value.toString('utf8'));
  }
  for (const variable of container.env) {
    const value = resolveVariable(variable, pod, sources, environment);
    if (value !== undefined) environment.set(variable.name, value);
  }
  return environment;
}

function resolveVariable(
  { value, valueFrom }: EnvVar,
  pod: Pod,
  sources: Sources,
  before: ReadonlyMap<string, string>,
): string | undefined {
  if (!valueFrom) return expand(value ?? '', before);
  const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom;
  if (fieldRef) return fieldOf(fieldRef.fieldPath, pod);
  const [kind, ref] = secretKeyRef ? (['Secret', secretKeyRef] as const) : (['ConfigMap', configMapKeyRef] as const);
  if (!ref) return undefined;
  const found = sources.read(kind, ref.name, ref.optional)?.get(ref.key);
  if (found === undefined && !ref.optional) {
    throw new SourceError(`couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace}/${ref.name}`);
  }
  return found?.toString('utf8');
}

/** `$(NAME)` becomes the variable's value, `$$` a dollar; a name nobody set stays as it is written. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\$|\(([^()]+)\))/g, (whole, escaped: string, name: string | undefined) =>
    escaped === '$' ? '$' : (variables.get(name ?? '') ?? whole),
  );
}

/** Every pod of this node has the machine's loopback address: there is no network of its own. */
export const POD_IP = '127.0.0.1';

function fieldOf(path: string, pod: Pod): string {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed) return metadata[keyed[1] === 'labels' ? 'labels' : 'annotations'][keyed[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace;
    case 'metadata.uid':
      return metadata.uid;
    case 'spec.nodeName':
      return spec.nodeName;
    case 'spec.serviceAccountName':
      return spec.serviceAccountName;
    default:
      return POD_IP;
  }
}
