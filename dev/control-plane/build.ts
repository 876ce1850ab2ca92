import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Child, startChild } from '../child.ts';
import { DevEnvironmentError, errorCode } from '../errors.ts';
import { KUBERNETES_VERSION, type ProgramName } from './versions.ts';

/** Peak of Go's module and build caches while building, measured. */
const DISK_BYTES = 6e9;
const PROGRESS_MS = 15_000;

interface Step {
  name: ProgramName;
  package: string;
  /** As seen on 2 cores with nothing cached; downloads of modules are in the first. */
  usualSeconds: number;
}

/** The order matters: each finds the packages it shares with those before it already compiled. */
const STEPS: readonly Step[] = [
  { name: 'kube-apiserver', package: 'k8s.io/kubernetes/cmd/kube-apiserver', usualSeconds: 350 },
  { name: 'kube-controller-manager', package: 'k8s.io/kubernetes/cmd/kube-controller-manager', usualSeconds: 90 },
  { name: 'kubectl', package: 'k8s.io/kubernetes/cmd/kubectl', usualSeconds: 45 },
  { name: 'etcd', package: 'go.etcd.io/etcd/server/v3', usualSeconds: 15 },
];

/**
 * Builds the programs into `directory` with the Go of this machine from the modules pinned in go/go.sum. Module and
 * build caches are of this build alone and removed with it: nobody wants 5 GB left behind.
 * @throws DevEnvironmentError `ProgramsUnavailable` without a usable Go, `BuildFailed` with Go's last words.
 */
export async function buildPrograms(directory: string, onProgress: (line: string) => void): Promise<void> {
  const parent = dirname(directory);
  sweepOldBuilds(parent);
  requireDisk(parent);
  const place = mkdtempSync(join(parent, `build-${process.pid}-`));
  const remove = () => rmSync(place, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  try {
    const module = join(place, 'module');
    cpSync(join(import.meta.dirname, 'go'), module, { recursive: true });
    mkdirSync(join(place, 'tmp'));
    const go = (args: readonly string[]) => startGo(args, module, place, onProgress);
    await requireGo(go);
    const began = Date.now();
    const usual = STEPS.reduce((sum, { usualSeconds }) => sum + usualSeconds, 0);
    onProgress(`Building the control plane with Go, once: usually ${duration(usual)} on 2 cores`);
    for (const [index, step] of STEPS.entries()) {
      await buildOne(step, `${index + 1} of ${STEPS.length}`, directory, go, onProgress);
    }
    onProgress(`Built the control plane in ${duration((Date.now() - began) / 1000)}`);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

type Go = (args: readonly string[]) => Promise<Child>;

async function startGo(
  args: readonly string[],
  module: string,
  place: string,
  onProgress: (line: string) => void,
): Promise<Child> {
  let modules = 0;
  return startChild({
    command: 'go',
    args,
    cwd: module,
    env: {
      ...inheritedEnvironment(),
      CGO_ENABLED: '0',
      // Replaces the user's own flags: -mod=vendor or tags of his would break or change the build.
      GOFLAGS: '-modcacherw -buildvcs=false',
      GOWORK: 'off',
      GOCACHE: join(place, 'cache'),
      GOMODCACHE: join(place, 'modules'),
      GOTMPDIR: join(place, 'tmp'),
    },
    stopSignal: 'SIGKILL',
    wholeGroup: true,
    onLine: (line) => {
      if (!line.startsWith('go: downloading')) return;
      modules += 1;
      if (modules % 50 === 0) onProgress(`  ${modules} modules downloaded`);
    },
  });
}

function inheritedEnvironment(): Record<string, string> {
  const { GOOS: _os, GOARCH: _arch, GOBIN: _bin, ...rest } = process.env;
  return Object.fromEntries(
    Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

async function requireGo(go: Go): Promise<void> {
  const child = await go(['version']).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (child === undefined)
    throw new DevEnvironmentError('ProgramsUnavailable', 'Go is not installed (no program "go" on the PATH)');
  const { code } = await child.exited;
  const said = child.lastLines().join(' ');
  if (code === 0 && said.includes('go version')) return;
  const missing = /not found|No such file/.test(said);
  throw new DevEnvironmentError(
    'ProgramsUnavailable',
    missing
      ? 'Go is not installed (no program "go" on the PATH)'
      : `the installed Go cannot build it, Go 1.26 or later is needed (${said.slice(0, 200)})`,
  );
}

async function buildOne(
  step: Step,
  place: string,
  directory: string,
  go: Go,
  onProgress: (line: string) => void,
): Promise<void> {
  const began = Date.now();
  const elapsed = () => duration((Date.now() - began) / 1000);
  const tell = (state: string) =>
    onProgress(`[${place}] ${step.name}: ${state}, usually ${duration(step.usualSeconds)}`);
  tell('building');
  const timer = setInterval(() => tell(`${elapsed()} so far`), PROGRESS_MS);
  try {
    const child = await go([
      'build',
      '-trimpath',
      '-ldflags',
      linkerFlags(),
      '-o',
      join(directory, step.name),
      step.package,
    ]);
    const { code } = await child.exited;
    if (code === 0) return tell(`built in ${elapsed()}`);
    const words = child.lastLines().filter((line) => !line.startsWith('go: downloading'));
    throw new DevEnvironmentError(
      'BuildFailed',
      `go build of ${step.name} failed (${words.slice(-3).join('; ').slice(0, 400)})`,
    );
  } finally {
    clearInterval(timer);
  }
}

/** Without the stamp the server calls itself v0.0.0 and kubectl complains. */
function linkerFlags(): string {
  const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
  const stamp = (name: string, value: string | undefined) => `-X k8s.io/component-base/version.${name}=${value}`;
  return ['-s -w', stamp('gitVersion', KUBERNETES_VERSION), stamp('gitMajor', major), stamp('gitMinor', minor)].join(
    ' ',
  );
}

/** Left by builds that were killed. The caller holds the lock of this cache, so no other build is under way. */
function sweepOldBuilds(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (name.startsWith('build-')) rmSync(join(parent, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

function requireDisk(parent: string): void {
  const { bavail, bsize } = statfsSync(parent);
  if (bavail * bsize >= DISK_BYTES) return;
  throw new DevEnvironmentError(
    'ProgramsUnavailable',
    `building it with Go needs ${DISK_BYTES / 1e9} GB of disk for a while and ${parent} has ${((bavail * bsize) / 1e9).toFixed(1)} GB`,
  );
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
