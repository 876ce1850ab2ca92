import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DevEnvironmentError } from '../errors.ts';
import type { Pod } from './pod.ts';

/** Where one Pod lives on this machine. */
export interface PodDirectory {
  /** The container's working directory and home. */
  root: string;
  temporary: string;
  volumes: string;
  terminationMessage: string;
}

/** Logs of Pods that are gone are kept for whoever wants to know why, but not for ever. */
const KEPT_LOGS = 300;

/** The node's own directory: records, the pods' files, and their logs. */
export class NodeDirectory {
  readonly path: string;
  readonly records: string;
  readonly pods: string;
  readonly logs: string;

  constructor(path: string) {
    this.path = resolve(path);
    this.records = join(this.path, 'records');
    this.pods = join(this.path, 'pods');
    this.logs = join(this.path, 'logs');
    try {
      for (const part of [this.records, this.pods, this.logs]) mkdirSync(part, { recursive: true, mode: 0o700 });
    } catch (cause) {
      const message = `The node directory ${this.path} cannot be made: choose one you may write to (--directory).`;
      throw new DevEnvironmentError('NoPermission', message, { cause });
    }
  }

  podDirectory(uid: string): PodDirectory {
    const at = join(this.pods, uid);
    return {
      root: join(at, 'root'),
      temporary: join(at, 'tmp'),
      volumes: join(at, 'volumes'),
      terminationMessage: join(at, 'termination-log'),
    };
  }

  /** Both output streams of a container; kept after the Pod is deleted. */
  logFile({ namespace, name, uid }: { namespace: string; name: string; uid: string }, container: string): string {
    return join(this.logs, `${namespace}_${name}_${uid}`, `${container}.log`);
  }

  /** Makes the directories a Pod's container starts in. */
  prepare(pod: Pod): PodDirectory {
    const directory = this.podDirectory(pod.metadata.uid);
    for (const path of [directory.root, directory.temporary, directory.volumes]) mkdirSync(path, { recursive: true });
    for (const { name } of pod.spec.containers) {
      mkdirSync(join(this.logFile(pod.metadata, name), '..'), { recursive: true });
    }
    return directory;
  }

  /** Forgets a Pod's files, secrets among them; its logs stay. */
  discard(uid: string): void {
    rmSync(join(this.pods, uid), { recursive: true, force: true });
  }

  /** Removes files of Pods that are not `wanted`, and all but the newest logs. */
  tidy(wanted: ReadonlySet<string>): void {
    for (const uid of readdirSync(this.pods)) if (!wanted.has(uid)) this.discard(uid);
    const logs = readdirSync(this.logs).map((name) => join(this.logs, name));
    const byAge = logs.map((path) => ({ path, at: statSync(path).mtimeMs })).sort((a, b) => b.at - a.at);
    for (const { path } of byAge.slice(KEPT_LOGS)) rmSync(path, { recursive: true, force: true });
  }
}
