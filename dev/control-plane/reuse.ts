import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { DevEnvironmentError } from '../errors.ts';
import { withLock } from '../lock.ts';
import { checkout } from '../places.ts';
import { lives, processRecord, recordOf } from '../process-record.ts';
import { ensureBinaries } from './binaries.ts';
import { writeAside } from './certificates.ts';
import { startControlPlane } from './plane.ts';
import { isHealthy } from './probe.ts';

/** A control plane in use by a test run. */
export interface SharedControlPlane {
  kubeconfig: string;
  server: string;
  release(): Promise<void>;
}

export interface SharedControlPlaneOptions {
  /** Default: .test/control-plane of this checkout. */
  directory?: string;
  /** How long an unused one goes on. Default 600. */
  idleSeconds?: number;
  onProgress?: (line: string) => void;
}

/** What the keeper writes once its control plane is ready. */
export const keeperFile = z.object({
  keeper: processRecord,
  recipe: z.string(),
  kubeconfig: z.string(),
  server: z.string(),
  apiServerPort: z.number(),
});
export type KeeperFile = z.infer<typeof keeperFile>;

const switchValues = z.enum(['shared', 'own']).default('shared');
const START_MS = 90_000;

/**
 * A control plane for tests: the one that an earlier run left running, if it answers, else a new one that a detached
 * keeper process ends when nobody has used it for 10 minutes. It is shared by everything that runs at the same time,
 * so a test makes a namespace of its own. A new one starts with empty state and without waiting for the disk.
 * `NEUROCARDS_TEST_CONTROL_PLANE=own` starts one for this process alone and removes it at `release`.
 * @throws DevEnvironmentError as `startControlPlane` does.
 */
export async function acquireSharedControlPlane(options: SharedControlPlaneOptions = {}): Promise<SharedControlPlane> {
  const onProgress = options.onProgress ?? ((line: string) => console.error(line));
  const chosen = switchValues.safeParse(process.env['NEUROCARDS_TEST_CONTROL_PLANE'] || undefined);
  if (!chosen.success) {
    throw new DevEnvironmentError(
      'BadSetting',
      'NEUROCARDS_TEST_CONTROL_PLANE must be shared (the default) or own: correct or unset it.',
    );
  }
  if (chosen.data === 'own') return startOwn(onProgress);
  await ensureBinaries({ onProgress });
  const directory = options.directory ?? join(checkout, '.test', 'control-plane');
  mkdirSync(join(directory, 'users'), { recursive: true });
  const release = registerUser(directory);
  try {
    const found = await withLock(join(directory, 'lock'), async () => {
      const running = await readRunning(directory);
      return running ?? startKeeper(directory, options.idleSeconds ?? 600, onProgress);
    });
    return { kubeconfig: found.kubeconfig, server: found.server, release: async () => release() };
  } catch (error) {
    release();
    throw error;
  }
}

/** The users whose processes live; files of dead ones are removed. */
export function livingUsers(directory: string): number {
  const users = join(directory, 'users');
  return readdirSync(users).filter((name) => {
    try {
      if (lives(processRecord.parse(JSON.parse(readFileSync(join(users, name), 'utf8'))))) return true;
    } catch {
      // Unreadable is as good as dead.
    }
    rmSync(join(users, name), { force: true });
    return false;
  }).length;
}

/** Changes with the code that starts a control plane: an older one must not serve tests of newer code. */
export function recipeHash(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(import.meta.dirname).toSorted()) {
    if (name.endsWith('.ts')) hash.update(readFileSync(join(import.meta.dirname, name)));
  }
  return hash.digest('hex');
}

async function startOwn(onProgress: (line: string) => void): Promise<SharedControlPlane> {
  const directory = mkdtempSync(join(tmpdir(), 'neurocards-control-plane-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const controlPlane = await startControlPlane({ directory, unsafeNoFsync: true, onProgress });
    const release = async () => {
      await controlPlane.close();
      remove();
    };
    return { kubeconfig: controlPlane.kubeconfig, server: controlPlane.server, release };
  } catch (error) {
    remove();
    throw error;
  }
}

let registered = 0;

function registerUser(directory: string): () => void {
  registered += 1;
  const path = join(directory, 'users', `${process.pid}-${registered}.json`);
  writeAside(path, JSON.stringify(recordOf()), 0o600);
  return () => rmSync(path, { force: true });
}

async function readRunning(directory: string): Promise<KeeperFile | undefined> {
  const found = readKeeper(directory);
  if (found === undefined || !lives(found.keeper)) return undefined;
  if (found.recipe === recipeHash() && (await answers(directory, found))) return found;
  process.kill(found.keeper.pid, 'SIGTERM');
  while (lives(found.keeper)) await wait(50);
  return undefined;
}

function readKeeper(directory: string): KeeperFile | undefined {
  try {
    return keeperFile.parse(JSON.parse(readFileSync(join(directory, 'keeper.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

async function answers(directory: string, found: KeeperFile): Promise<boolean> {
  const pki = join(directory, 'pki');
  return isHealthy({
    port: found.apiServerPort,
    path: '/readyz',
    authority: join(pki, 'ca.crt'),
    certificate: join(pki, 'administrator.crt'),
    key: join(pki, 'administrator.key'),
  }).catch(() => false);
}

async function startKeeper(
  directory: string,
  idleSeconds: number,
  onProgress: (line: string) => void,
): Promise<KeeperFile> {
  rmSync(join(directory, 'keeper.json'), { force: true });
  const logPath = join(directory, 'keeper.log');
  const log = openSync(logPath, 'w');
  onProgress(`Starting a control plane for tests; it ends itself when unused for ${idleSeconds} s`);
  const keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts'), directory, String(idleSeconds)], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: checkout,
  });
  closeSync(log);
  keeper.unref();
  const deadline = Date.now() + START_MS;
  for (;;) {
    const found = readKeeper(directory);
    if (found !== undefined) return found;
    const gone = keeper.exitCode !== null || keeper.signalCode !== null;
    if (gone || Date.now() > deadline) {
      if (!gone) keeper.kill('SIGTERM');
      const words = readFileSync(logPath, 'utf8').trim().split('\n').slice(-1).join('');
      throw new DevEnvironmentError(
        gone ? 'ExitedEarly' : 'NotReady',
        words || `The control plane for tests did not start: read ${logPath}.`,
      );
    }
    await wait(50);
  }
}
