import { join } from 'node:path';
import type { Container } from './pod.ts';

/** Where each path inside the container really is on this machine. */
export type Mounts = ReadonlyMap<string, string>;

/** A mount that cannot be made: its volume is not declared, or its subPath leads out of the volume. */
export class MountError extends Error {
  readonly reason = 'MountInvalid';

  constructor(message: string) {
    super(message);
    this.name = 'MountError';
  }
}

/**
 * The container's mount paths with the directories behind them, its termination message file among them. Pure.
 * @throws MountError when a mount names no volume or leaves it.
 */
export function planMounts(
  container: Container,
  volumeDirectories: ReadonlyMap<string, string>,
  terminationMessageFile: string,
): Mounts {
  const mounts = new Map([[container.terminationMessagePath, terminationMessageFile]]);
  for (const { name, mountPath, subPath } of container.volumeMounts) {
    const directory = volumeDirectories.get(name);
    if (directory === undefined)
      throw new MountError(`volume ${JSON.stringify(name)} of mount ${mountPath} is unknown`);
    if (subPath.startsWith('/') || subPath.split('/').includes('..')) {
      throw new MountError(`subPath ${JSON.stringify(subPath)} of mount ${mountPath} must not leave its volume`);
    }
    mounts.set(trimmed(mountPath), join(directory, subPath));
  }
  return mounts;
}

/**
 * The text with a leading mount path replaced by the real directory: there is no mount namespace that would make the
 * path true. Only whole path parts count (`/data` is not a part of `/database`); the deepest mount wins.
 */
export function translate(text: string, mounts: Mounts): string {
  let best = '';
  for (const path of mounts.keys()) {
    const covers = text === path || text.startsWith(path === '/' ? path : `${path}/`);
    if (covers && path.length > best.length) best = path;
  }
  return best === '' ? text : (mounts.get(best) ?? '') + text.slice(best.length);
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
