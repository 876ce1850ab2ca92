import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ownerOf } from '../demo/directory.ts';
import { DevEnvironmentError } from '../errors.ts';
import { checkout } from '../places.ts';
import { lives, recordOf } from '../process-record.ts';
import { ensureBinaries, findBinaries } from './binaries.ts';

/** The part of the demo's .demo/endpoints.json that this command reads. */
const endpointsFile = z.object({
  kubeconfig: z.string(),
  namespace: z.string().optional(),
  processes: z.record(z.string(), z.array(z.object({ pid: z.number() }))).default({}),
});

/** Kubectl's words for "tell me about yourself": they need no cluster. */
const OFFLINE = new Set(['--help', '-h', 'help', 'completion', 'options', 'kustomize']);

/** What to put before the caller's own arguments. */
function target(args: readonly string[]): string[] {
  if (args.some((arg) => arg === '--kubeconfig' || arg.startsWith('--kubeconfig='))) return [];
  if (args.length === 0 || args.some((arg) => OFFLINE.has(arg))) return [];
  const demo = readDemo();
  if (demo !== undefined) return [`--kubeconfig=${demo.kubeconfig}`];
  if (process.env['KUBECONFIG']) {
    console.error(`No demo runs in this checkout: using KUBECONFIG=${process.env['KUBECONFIG']}.`);
    return [];
  }
  throw new DevEnvironmentError(
    'NoDemo',
    'No demo runs in this checkout: start it with npm run demo, or set KUBECONFIG to a cluster of yours.',
  );
}

function readDemo(): z.infer<typeof endpointsFile> | undefined {
  const path = join(checkout, '.demo', 'endpoints.json');
  if (!existsSync(path)) return undefined;
  const endpoints = endpointsFile.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!endpoints.success || !existsSync(endpoints.data.kubeconfig)) return undefined;
  // The file outlives its demo, so that addresses stay known.
  const servers = endpoints.data.processes['kube-apiserver'] ?? [];
  const owner = ownerOf(join(checkout, '.demo'));
  const runs = servers.some(({ pid }) => recordOf(pid) !== undefined) || (owner !== undefined && lives(owner));
  return runs ? endpoints.data : undefined;
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const before = target(args);
  const { kubectl } = findBinaries() ?? (await ensureBinaries({ onProgress: (line) => console.error(line) }));
  const child = spawn(kubectl, [...before, ...args], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to kubectl as well: it decides, and we end with its exit code.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void child.kill(signal));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? 128 + (signal === null ? 1 : constants.signals[signal])));
  });
  process.exitCode = code;
}

main().catch((error: unknown) => {
  console.error(error instanceof DevEnvironmentError ? error.message : error);
  process.exitCode = 1;
});
