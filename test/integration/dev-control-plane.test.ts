import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureBinaries } from '../../dev/control-plane/binaries.ts';
import { type ControlPlane, type ProcessExit, startControlPlane } from '../../dev/control-plane/plane.ts';
import { acquireSharedControlPlane } from '../../dev/control-plane/reuse.ts';
import { ETCD_VERSION, KUBERNETES_VERSION, PROGRAM_NAMES } from '../../dev/control-plane/versions.ts';
import { DevEnvironmentError } from '../../dev/errors.ts';
import { checkout } from '../../dev/places.ts';
import { freePort } from '../../dev/port.ts';

let directory: string;
const open: { close(): unknown }[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'neurocards-control-plane-test-'));
});

afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

/** The command lines of living processes that mention the test's directory. */
function leftRunning(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(directory));
}

async function refusal(attempt: Promise<unknown>): Promise<DevEnvironmentError> {
  const outcome = await attempt.then(
    () => new Error('it was not refused'),
    (error: unknown) => error,
  );
  if (outcome instanceof DevEnvironmentError) return outcome;
  throw outcome;
}

describe('the programs of the control plane', () => {
  let lines: string[];
  const onProgress = (line: string) => void lines.push(line);

  beforeEach(async () => {
    lines = [];
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    vi.stubEnv('NEUROCARDS_CACHE', join(directory, 'cache'));
    vi.stubEnv('NEUROCARDS_CONTROL_PLANE_BIN', '');
    vi.stubEnv('KUBEBUILDER_ASSETS', '');
    vi.stubEnv('NEUROCARDS_KUBERNETES_MIRROR', nowhere);
    vi.stubEnv('NEUROCARDS_ETCD_MIRROR', nowhere);
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) vi.stubEnv(name, '');
  });

  /** A PATH without Go, but with what unpacking needs. */
  function hideGo(): void {
    const bin = join(directory, 'bin');
    mkdirSync(bin);
    for (const name of ['tar', 'gzip', 'sh']) {
      const found = spawnSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
      writeFileSync(join(bin, name), `#!/bin/sh\nPATH=/usr/bin:/bin exec ${found} "$@"\n`, { mode: 0o755 });
    }
    vi.stubEnv('PATH', bin);
  }

  /** Serves small stand-in programs the way the release servers do. */
  async function serveReleases(spoil?: string): Promise<Server> {
    const folder = `etcd-${ETCD_VERSION}-linux-${process.arch === 'x64' ? 'amd64' : process.arch}`;
    mkdirSync(join(directory, folder));
    writeFileSync(join(directory, folder, 'etcd'), '#!/bin/sh\necho etcd\n');
    spawnSync('tar', ['-czf', join(directory, `${folder}.tar.gz`), '-C', directory, folder]);
    const contentOf = (name: string) =>
      name.endsWith('.tar.gz') ? readFileSync(join(directory, name)) : Buffer.from(`#!/bin/sh\necho ${name}\n`);
    const sum = (name: string) => createHash('sha256').update(contentOf(name)).digest('hex');
    const server = createHttpServer((request, response) => {
      const name = basename(request.url ?? '');
      if (name === 'SHA256SUMS') return response.end(`${sum(`${folder}.tar.gz`)}  ${folder}.tar.gz\n`);
      if (name.endsWith('.sha256')) return response.end(sum(name.replace('.sha256', '')));
      return response.end(name === spoil ? 'something else' : contentOf(name));
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    vi.stubEnv('NEUROCARDS_KUBERNETES_MIRROR', `http://127.0.0.1:${port}`);
    vi.stubEnv('NEUROCARDS_ETCD_MIRROR', `http://127.0.0.1:${port}`);
    open.push(server);
    return server;
  }

  it('are named once and for all: the Go module pins the same versions', () => {
    const module = readFileSync(join(checkout, 'dev', 'control-plane', 'go', 'go.mod'), 'utf8');
    expect(module).toContain(`k8s.io/kubernetes ${KUBERNETES_VERSION}`);
    expect(module).toContain(`go.etcd.io/etcd/server/v3 ${ETCD_VERSION}`);
    expect(module).toContain(`k8s.io/api => k8s.io/api ${KUBERNETES_VERSION.replace('v1.', 'v0.')}`);
  });

  it('are downloaded, compared with the published checksums, and found in the cache afterwards', async () => {
    hideGo();
    const server = await serveReleases();
    expect((await ensureBinaries({ onProgress })).source).toBe('download');
    server.close();
    server.closeAllConnections();
    const kept = await ensureBinaries({ onProgress });
    expect(kept.source).toBe('cache');
    for (const name of PROGRAM_NAMES) {
      expect(spawnSync('/bin/sh', ['-c', kept[name]], { encoding: 'utf8' }).stdout).toBe(`${name}\n`);
    }
  });

  it('are got again when a kept file was damaged, and one sentence says what to do when they cannot be', async () => {
    hideGo();
    const server = await serveReleases();
    const { etcd } = await ensureBinaries({ onProgress });
    const good = readFileSync(etcd, 'utf8');
    writeFileSync(etcd, good.replace('etcd', 'dcte'));
    expect((await ensureBinaries({ onProgress })).source).toBe('download');
    expect(lines.join('\n')).toContain(`${etcd} is not the file that was put there`);
    expect(readFileSync(etcd, 'utf8')).toBe(good);
    writeFileSync(etcd, good.replace('etcd', 'dcte'));
    server.close();
    server.closeAllConnections();
    const failure = await refusal(ensureBinaries({ onProgress }));
    expect(failure.reason).toBe('CacheCorrupted');
    expect(failure.message).toContain('install Go 1.26');
  });

  it('are refused when a download is not what was published', async () => {
    hideGo();
    await serveReleases('kubectl');
    const failure = await refusal(ensureBinaries({ onProgress }));
    expect(failure.message).toContain('kubectl has the checksum');
    expect(existsSync(join(directory, 'cache', 'control-plane', KUBERNETES_VERSION))).toBe(false);
  });

  it('that can neither be downloaded nor built end in one sentence within seconds, and nothing is left', async () => {
    hideGo();
    const began = Date.now();
    const failure = await refusal(ensureBinaries({ onProgress }));
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(failure.reason).toBe('ProgramsUnavailable');
    expect(failure.message).toMatch(
      /download failed.*Go is not installed.*Connect to the internet, or install Go 1.26/,
    );
    expect(failure.message).not.toContain('\n');
    expect(readdirSync(join(directory, 'cache', 'control-plane'))).toEqual([]);
  });

  it('are looked for where the environment says, which must hold all of them', async () => {
    vi.stubEnv('NEUROCARDS_CONTROL_PLANE_BIN', directory);
    const failure = await refusal(ensureBinaries({ onProgress }));
    expect(failure.reason).toBe('BadSetting');
    expect(failure.message).toContain('which lacks etcd, kube-apiserver, kube-controller-manager, kubectl');
  });

  it('need a cache that may be written to', async () => {
    vi.stubEnv('NEUROCARDS_CACHE', '/sys/neurocards');
    const failure = await refusal(ensureBinaries({ onProgress }));
    expect(failure.reason).toBe('NoPermission');
    expect(failure.message).toContain('set NEUROCARDS_CACHE');
  });
});

describe('a control plane', () => {
  async function start(options: Partial<Parameters<typeof startControlPlane>[0]> = {}): Promise<ControlPlane> {
    const controlPlane = await startControlPlane({ directory, unsafeNoFsync: true, ...options });
    open.push(controlPlane);
    return controlPlane;
  }

  function kubectl(controlPlane: ControlPlane, kubeconfig: string, ...args: string[]) {
    return spawnSync(controlPlane.binaries.kubectl, [`--kubeconfig=${kubeconfig}`, ...args], { encoding: 'utf8' });
  }

  it('keeps its state and ports over a restart, and a person only gets the permissions of their groups', async () => {
    const first = await start({ namespace: 'shop' });
    expect(statSync(first.kubeconfig).mode & 0o777).toBe(0o600);
    expect(kubectl(first, first.kubeconfig, 'create', 'namespace', 'shop').status).toBe(0);
    expect(kubectl(first, first.kubeconfig, 'create', 'configmap', 'kept').status).toBe(0);
    const reader = join(directory, 'reader.kubeconfig');
    await first.writeKubeconfigFor('reader', ['readers'], reader);
    expect(kubectl(first, reader, 'get', 'configmaps').stderr).toContain(
      'User "reader" cannot list resource "configmaps"',
    );
    kubectl(first, first.kubeconfig, 'create', 'rolebinding', 'readers', '--clusterrole=view', '--group=readers');
    await expect
      .poll(() => kubectl(first, reader, 'get', 'configmap', 'kept', '-o', 'name').stdout, { timeout: 10_000 })
      .toContain('kept');
    expect(kubectl(first, reader, 'delete', 'configmap', 'kept').stderr).toContain('forbidden');
    await first.close();
    expect(leftRunning()).toEqual([]);
    const second = await start({ namespace: 'shop' });
    expect(second.server).toBe(first.server);
    expect(kubectl(second, second.kubeconfig, 'get', 'configmap', 'kept', '-o', 'name').stdout).toContain('kept');
  });

  it('tells of a part that died, which can be started again under open watches', async () => {
    const controlPlane = await start();
    const exits: ProcessExit[] = [];
    controlPlane.onExit((exit) => exits.push(exit));
    const watch = spawn(controlPlane.binaries.kubectl, [
      `--kubeconfig=${controlPlane.kubeconfig}`,
      'get',
      'namespaces',
      '--watch',
    ]);
    open.push({ close: () => watch.kill('SIGKILL') });
    await new Promise<void>((resolve) => watch.stdout.once('data', () => resolve()));
    process.kill(controlPlane.processes['kube-apiserver'].pid, 'SIGKILL');
    await expect
      .poll(() => exits)
      .toEqual([{ name: 'kube-apiserver', code: null, signal: 'SIGKILL', expected: false }]);
    await controlPlane.startProcess('kube-apiserver');
    await controlPlane.stopProcess('kube-apiserver');
    expect(exits.at(-1)).toMatchObject({ name: 'kube-apiserver', expected: true });
    await controlPlane.startProcess('kube-apiserver');
    expect(kubectl(controlPlane, controlPlane.kubeconfig, 'get', 'namespace', 'default').status).toBe(0);
  });

  it('refuses a port that is taken, in one sentence, and leaves nothing running', async () => {
    const port = await freePort();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    open.push(other);
    const failure = await refusal(start({ ports: { apiServer: port } }));
    expect(failure.reason).toBe('PortTaken');
    expect(failure.message).toContain(`kube-apiserver cannot listen on 127.0.0.1:${port}`);
    expect(leftRunning()).toEqual([]);
  });

  it('refuses wrong arguments of the API server with its own words, and leaves nothing running', async () => {
    const failure = await refusal(start({ apiServerArgs: ['--no-such-flag'] }));
    expect(failure.reason).toBe('ExitedEarly');
    expect(failure.message).toContain('no-such-flag');
    expect(leftRunning()).toEqual([]);
  });

  it('refuses a directory that may not be written to', async () => {
    const failure = await refusal(start({ directory: '/sys/neurocards' }));
    expect(failure.reason).toBe('NoPermission');
    expect(failure.message).toContain('/sys/neurocards');
  });

  it('dies with the process that started it, and refuses a second one in its directory while that lives', async () => {
    const owner = spawn(process.execPath, ['dev/control-plane/main.ts', '--directory', directory], { cwd: checkout });
    open.push({ close: () => owner.kill('SIGKILL') });
    await new Promise<void>((resolve) => owner.stdout.once('data', () => resolve()));
    const failure = await refusal(start());
    expect(failure.reason).toBe('DirectoryInUse');
    expect(failure.message).toContain(`kill -TERM ${owner.pid}`);
    owner.kill('SIGKILL');
    await expect.poll(leftRunning, { timeout: 10_000 }).toEqual([]);
  });
});

describe('the control plane shared by test runs', () => {
  it('is started once, found again at once, and ends itself when nobody uses it', async () => {
    const options = { directory: join(directory, 'shared'), idleSeconds: 1, onProgress: () => undefined };
    const [first, second] = await Promise.all([acquireSharedControlPlane(options), acquireSharedControlPlane(options)]);
    expect(second.server).toBe(first.server);
    const third = await acquireSharedControlPlane(options);
    expect(third.server).toBe(first.server);
    await Promise.all([first.release(), second.release(), third.release()]);
    await expect.poll(leftRunning, { timeout: 20_000 }).toEqual([]);
  });
});
