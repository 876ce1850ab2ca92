import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';

/** An image this machine can run: a checkout in place of a root file system. */
export interface Image {
  checkout: string;
  /** The runner's bundle, the same file that the real image holds. */
  runnerBundle: string;
}

/** What to do for a container that names this image: run it, or what its waiting status says. */
export type ImageLookup =
  | { found: Image }
  | { missing: string; reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'InvalidImageName' };

/**
 * The image behind a reference like `registry:5000/team/neurocards:1.2@sha256:...`: its repository, or the last part of
 * it, must be one of the given names; tags and digests all mean the same checkout.
 */
export function findImage(reference: string, images: ReadonlyMap<string, Image>, pullPolicy: string): ImageLookup {
  const repository = repositoryOf(reference);
  if (repository === '')
    return { missing: `Invalid image name ${JSON.stringify(reference)}`, reason: 'InvalidImageName' };
  const image = images.get(repository) ?? images.get(repository.slice(repository.lastIndexOf('/') + 1));
  if (!image) {
    const known = [...images.keys()].join(', ');
    const missing = `image ${JSON.stringify(reference)} is not on this machine, which has only: ${known}`;
    return { missing, reason: pullPolicy === 'Never' ? 'ErrImageNeverPull' : 'ErrImagePull' };
  }
  if (!existsSync(image.runnerBundle)) {
    const missing = `image ${JSON.stringify(reference)} has no ${image.runnerBundle}: make it with npm run build`;
    return { missing, reason: 'ErrImagePull' };
  }
  return { found: image };
}

function repositoryOf(reference: string): string {
  const [undigested = ''] = reference.split('@');
  const colon = undigested.lastIndexOf(':');
  return colon > undigested.lastIndexOf('/') ? undigested.slice(0, colon) : undigested;
}

/**
 * The local program for a container's command: `neurocards-runner` and `node` are what the image has in its PATH, and
 * both become this very Node. Undefined when the image has no such program.
 */
export function localCommand(command: readonly string[], image: Image): [string, ...string[]] | undefined {
  const [program, ...args] = command;
  if (program === 'neurocards-runner') return [process.execPath, image.runnerBundle, ...args];
  if (program === 'node') return [process.execPath, ...args];
  // A program inside the pod's own volumes: the path was already translated to the directory behind the mount.
  if (program !== undefined && isAbsolute(program) && existsSync(program)) return [program, ...args];
  return undefined;
}
