import { spawnSync } from 'node:child_process';
import { chmodSync, createWriteStream, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { z } from 'zod';
import { DevEnvironmentError } from '../errors.ts';
import { sha256 } from './program-cache.ts';
import { ETCD_VERSION, KUBERNETES_VERSION, type ProgramName } from './versions.ts';

/** Offline, the next way to get the programs must be reached within seconds. */
const ANSWER_MS = 4_000;
const STALL_MS = 20_000;

const mirror = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, ''));

interface Release {
  name: ProgramName;
  url: string;
  /** A file that holds the checksum, alone or in a line with the file's name. */
  checksums: string;
}

/**
 * Downloads the official release files into `directory`, each compared with the published SHA-256.
 * `NEUROCARDS_KUBERNETES_MIRROR` and `NEUROCARDS_ETCD_MIRROR` name mirrors of dl.k8s.io and of etcd's GitHub releases;
 * the usual proxy variables are obeyed.
 * @throws when a server does not answer within 4 s, a file stalls for 20 s, or a checksum differs.
 */
export async function downloadPrograms(directory: string, onProgress: (line: string) => void): Promise<void> {
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: ANSWER_MS } });
  try {
    for (const release of releases()) {
      onProgress(`Downloading ${release.name} from ${new URL(release.url).host}`);
      await download(release, directory, dispatcher);
    }
  } finally {
    await dispatcher.destroy();
  }
}

function releases(): Release[] {
  const system = { linux: 'linux', darwin: 'darwin' }[process.platform as string];
  const machine = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  if (system === undefined || machine === undefined) {
    throw new DevEnvironmentError(
      'UnsupportedPlatform',
      `There are no release files for ${process.platform}-${process.arch}.`,
    );
  }
  const kubernetes = `${mirrorOf('NEUROCARDS_KUBERNETES_MIRROR', 'https://dl.k8s.io')}/${KUBERNETES_VERSION}/bin/${system}/${machine}`;
  const etcd = `${mirrorOf('NEUROCARDS_ETCD_MIRROR', 'https://github.com/etcd-io/etcd/releases/download')}/${ETCD_VERSION}`;
  const names = ['kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
  return [
    ...names.map((name) => ({ name, url: `${kubernetes}/${name}`, checksums: `${kubernetes}/${name}.sha256` })),
    { name: 'etcd', url: `${etcd}/etcd-${ETCD_VERSION}-${system}-${machine}.tar.gz`, checksums: `${etcd}/SHA256SUMS` },
  ];
}

function mirrorOf(variable: string, usual: string): string {
  const chosen = mirror.safeParse(process.env[variable] || usual);
  if (chosen.success) return chosen.data;
  throw new DevEnvironmentError('BadSetting', `${variable} must be an http or https address: correct or unset it.`);
}

async function download(release: Release, directory: string, dispatcher: EnvHttpProxyAgent): Promise<void> {
  const file = basename(release.url);
  const text = await (await get(release.checksums, dispatcher)).text();
  const expected = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, name]) => name === undefined || name === file)?.[0];
  const path = join(directory, file);
  const draft = `${path}.download`;
  const response = await get(release.url, dispatcher);
  if (response.body === null) throw new Error(`${release.url} has no content`);
  await pipeline(Readable.fromWeb(response.body), stallGuard(release.url), createWriteStream(draft));
  const found = await sha256(draft);
  if (found !== expected)
    throw new Error(`${release.url} has the checksum ${found} and ${release.checksums} says ${expected}`);
  renameSync(draft, path);
  if (file.endsWith('.tar.gz')) unpack(path, directory, release.name);
  chmodSync(join(directory, release.name), 0o755);
}

async function get(url: string, dispatcher: EnvHttpProxyAgent) {
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Error(`${url} did not answer within ${ANSWER_MS / 1000} s`)),
    ANSWER_MS,
  );
  try {
    const response = await fetch(url, { dispatcher, signal: abort.signal });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return response;
  } finally {
    clearTimeout(timer);
  }
}

function stallGuard(url: string): Transform {
  const guard = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      timer.refresh();
      done(null, chunk);
    },
    flush(done) {
      clearTimeout(timer);
      done();
    },
    destroy(error, done) {
      clearTimeout(timer);
      done(error);
    },
  });
  const timer = setTimeout(() => guard.destroy(new Error(`${url} stalled for ${STALL_MS / 1000} s`)), STALL_MS);
  return guard;
}

function unpack(archive: string, directory: string, name: string): void {
  const folder = basename(archive, '.tar.gz');
  const result = spawnSync('tar', ['-xzf', archive, '-C', directory, '--strip-components=1', `${folder}/${name}`], {
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`tar could not unpack ${archive}: ${result.stderr || String(result.error)}`);
  rmSync(archive);
}
