import { accessSync, constants, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DevEnvironmentError, errorCode } from '../errors.ts';
import { withLock } from '../lock.ts';
import { buildPrograms } from './build.ts';
import { downloadPrograms } from './download.ts';
import { checkCache, keepInCache, programCache } from './program-cache.ts';
import { KUBERNETES_VERSION, PROGRAM_NAMES, type ProgramName } from './versions.ts';

/** The path of each program, and where they came from. */
export interface Binaries extends Record<ProgramName, string> {
  source: 'environment' | 'cache' | 'download' | 'build';
}

type OnProgress = (line: string) => void;

/**
 * Finds the programs of the control plane: in the directory named by `NEUROCARDS_CONTROL_PLANE_BIN` (or by
 * `KUBEBUILDER_ASSETS`, when it holds all four); in the cache, compared with its checksums; else gets them into the
 * cache, by downloading the official release files or, offline, by building them with Go (about 9 minutes on 2 cores,
 * once). Processes that come meanwhile wait for the first.
 * @throws DevEnvironmentError with one sentence that names every way that was tried and what to do.
 */
export async function ensureBinaries({ onProgress }: { onProgress: OnProgress }): Promise<Binaries> {
  const named = fromEnvironment();
  if (named !== undefined) return named;
  const cache = programCache();
  if ((await checkCache(cache)) === 'good') return inDirectory(cache, 'cache');
  try {
    mkdirSync(dirname(cache), { recursive: true });
    return await withLock(
      `${cache}.lock`,
      () => fillCache(cache, onProgress),
      (pid) => onProgress(`Waiting for process ${pid}, which is getting the control plane's programs`),
    );
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'ENOENT'].includes(errorCode(error) ?? '')) throw error;
    throw new DevEnvironmentError(
      'NoPermission',
      `The control plane's programs cannot be written to ${cache} as this user: make it writable, or set NEUROCARDS_CACHE to a directory of yours.`,
      { cause: error },
    );
  }
}

/** The programs if they are at hand, without comparing checksums: for kubectl, which must answer at once. */
export function findBinaries(): Binaries | undefined {
  const named = fromEnvironment();
  if (named !== undefined) return named;
  const cache = programCache();
  return missingIn(cache).length === 0 ? inDirectory(cache, 'cache') : undefined;
}

function fromEnvironment(): Binaries | undefined {
  const { NEUROCARDS_CONTROL_PLANE_BIN: own, KUBEBUILDER_ASSETS: assets } = process.env;
  if (own) {
    const missing = missingIn(own);
    if (missing.length === 0) return inDirectory(own, 'environment');
    throw new DevEnvironmentError(
      'BadSetting',
      `NEUROCARDS_CONTROL_PLANE_BIN is ${own}, which lacks ${missing.join(', ')}: name a directory that holds all four programs, or unset it.`,
    );
  }
  return assets && missingIn(assets).length === 0 ? inDirectory(assets, 'environment') : undefined;
}

function missingIn(directory: string): ProgramName[] {
  return PROGRAM_NAMES.filter((name) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return false;
    } catch {
      return true;
    }
  });
}

function inDirectory(directory: string, source: Binaries['source']): Binaries {
  const path = (name: ProgramName) => resolve(directory, name);
  return {
    source,
    etcd: path('etcd'),
    'kube-apiserver': path('kube-apiserver'),
    'kube-controller-manager': path('kube-controller-manager'),
    kubectl: path('kubectl'),
  };
}

async function fillCache(cache: string, onProgress: OnProgress): Promise<Binaries> {
  const state = await checkCache(cache);
  if (state === 'good') return inDirectory(cache, 'cache');
  const damage = state === 'absent' ? undefined : state.damage;
  if (damage !== undefined) onProgress(`The cache is damaged (${damage}): getting the programs again`);
  const draft = `${cache}.draft`;
  const attempt = async (get: typeof buildPrograms) => {
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(draft);
    await get(draft, onProgress);
  };
  try {
    const source = await attempt(downloadPrograms)
      .then(() => 'download' as const)
      .catch(async (error: unknown) => {
        const why = describe(error);
        onProgress(`No release files (${why}): building with Go instead`);
        await attempt(buildPrograms).catch((failure: unknown) => {
          throw noPrograms(cache, damage, why, failure);
        });
        return 'build' as const;
      });
    await keepInCache(draft, cache, source);
    return inDirectory(cache, source);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function noPrograms(cache: string, damage: string | undefined, download: string, build: unknown): unknown {
  if (!(build instanceof DevEnvironmentError)) return build;
  const kept = damage === undefined ? '' : `the kept ones are damaged (${damage}), `;
  return new DevEnvironmentError(
    damage === undefined ? build.reason : 'CacheCorrupted',
    `Kubernetes ${KUBERNETES_VERSION} could not be got: ${kept}the download failed (${download}) and ${build.message}. ` +
      `Connect to the internet, or install Go 1.26 or later (https://go.dev/dl), or put ${PROGRAM_NAMES.join(', ')} into a directory ` +
      `and set NEUROCARDS_CONTROL_PLANE_BIN to it, and start again (cache: ${cache}).`,
    { cause: build },
  );
}

/** fetch hides the cause of a failure one or two levels down. */
function describe(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  return (innermost instanceof Error ? innermost.message : String(innermost)).slice(0, 200);
}
