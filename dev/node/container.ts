import type { Api } from './api.ts';
import { untilAnswered } from './backoff.ts';
import type { NodeDirectory, PodDirectory } from './directory.ts';
import { expand, resolveEnvironment } from './environment.ts';
import { findImage, type Image, localCommand } from './image.ts';
import { MountError, type Mounts, planMounts, translate } from './mounts.ts';
import type { Container, Pod } from './pod.ts';
import { readSources, SourceError } from './sources.ts';
import type { Terminated, Waiting } from './status.ts';
import { makeVolumes, VolumeError } from './volumes.ts';

/** All that is needed to start a container's process. */
export interface Launch {
  command: readonly [string, ...string[]];
  environment: Record<string, string>;
  directory: string;
}

/** A container is ready to start, must wait for something (`event` says so to people), or can never start. */
export type Preparation =
  | { launch: Launch }
  | { waiting: Waiting; event: 'FailedMount' | 'Failed' }
  | { failed: Terminated };

/**
 * Does everything that comes before a container's start, in a kubelet's order: volumes, image, environment.
 * Waits out an API server that is away. @throws ApiError when `signal` ended the waiting.
 */
export async function prepareContainer(
  pod: Pod,
  container: Container,
  node: { api: Api; directory: NodeDirectory; images: ReadonlyMap<string, Image> },
  signal: AbortSignal,
): Promise<Preparation> {
  const { api, directory, images } = node;
  const home = directory.prepare(pod);
  try {
    const [sources, volumes] = await untilAnswered(async () => {
      const read = await readSources(api, pod, signal);
      return [read, await makeVolumes(pod, home.volumes, read, api, signal)] as const;
    }, signal);
    const image = findImage(container.image, images, container.imagePullPolicy);
    if ('missing' in image) {
      return { waiting: { kind: 'waiting', reason: image.reason, message: image.missing }, event: 'Failed' };
    }
    const mounts = planMounts(container, volumes, home.terminationMessage);
    const variables = resolveEnvironment(container, pod, sources);
    const command = [...container.command, ...container.args].map((word) => translate(expand(word, variables), mounts));
    const local = localCommand(command, image.found);
    if (!local) return { failed: startError(`exec: ${JSON.stringify(command[0] ?? '')}: not in this image's PATH`) };
    return { launch: { command: local, environment: localEnvironment(variables, mounts, home), directory: home.root } };
  } catch (error) {
    return refused(error);
  }
}

/** The state of a container whose program could not be executed. */
export function startError(message: string): Terminated {
  const now = new Date();
  return { kind: 'terminated', exitCode: 128, reason: 'StartError', message, startedAt: now, finishedAt: now };
}

function refused(error: unknown): Preparation {
  if (error instanceof VolumeError) {
    return { waiting: { kind: 'waiting', reason: 'ContainerCreating', message: error.message }, event: 'FailedMount' };
  }
  if (error instanceof SourceError || error instanceof MountError) {
    const reason = 'CreateContainerConfigError';
    return { waiting: { kind: 'waiting', reason, message: error.message }, event: 'Failed' };
  }
  throw error;
}

/**
 * What the process finds in its environment: the Pod's variables with mount paths made real, PATH, HOME and TMPDIR of
 * its own, `NEUROCARDS_MOUNTS` (the JSON of mount path to directory), and where to leave last words, which the runner
 * otherwise writes to /dev. Nothing of ours is inherited. Pure.
 */
export function localEnvironment(
  variables: ReadonlyMap<string, string>,
  mounts: Mounts,
  home: Omit<PodDirectory, 'volumes'>,
): Record<string, string> {
  const asked = [...variables].map(([name, value]) => [name, translate(value, mounts)]);
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: home.root,
    TMPDIR: mounts.get('/tmp') ?? home.temporary,
    NEUROCARDS_TERMINATION_MESSAGE: home.terminationMessage,
    ...Object.fromEntries(asked),
    NEUROCARDS_MOUNTS: JSON.stringify(Object.fromEntries(mounts)),
  };
}
