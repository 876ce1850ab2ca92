import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { takeDirectory } from '../../dev/demo/directory.ts';
import { endpointsFile } from '../../dev/demo/endpoints.ts';
import { checkout } from '../../dev/places.ts';
import { requireFreePort } from '../../dev/port.ts';
import { erasePostgres } from '../../dev/postgres/server.ts';
import { recordOf } from '../../dev/process-record.ts';
import { waitFor } from '../support/wait.ts';

const directories: string[] = [];
const open: Server[] = [];

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'neurocards-demo-test-'));
  directories.push(directory);
  return directory;
}

afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

afterAll(() => {
  for (const directory of directories) {
    erasePostgres(join(directory, 'postgres'));
    rmSync(directory, { recursive: true, force: true });
  }
});

interface Demo {
  readonly pid: number;
  output(): string;
  readonly ended: Promise<{ code: number | null; output: string }>;
}

function demo(...args: string[]): Demo {
  const child = spawn(process.execPath, ['--import', './dev/guard.mjs', 'dev/demo/main.ts', ...args], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const { promise: ended, resolve } = Promise.withResolvers<{ code: number | null; output: string }>();
  child.on('close', (code) => resolve({ code, output }));
  return { pid: child.pid ?? 0, output: () => output, ended };
}

/** The first of ten ports in a row that nobody listens on. */
async function freeBase(): Promise<number> {
  return waitFor(
    async () => {
      const base = 20_000 + Math.floor(Math.random() * 10_000);
      for (let port = base; port < base + 10; port += 1) await requireFreePort(port, 'a test');
      return base;
    },
    { what: 'ten free ports in a row' },
  );
}

async function taken(port: number): Promise<void> {
  const server = createServer();
  open.push(server);
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
}

/** Processes that have anything to do with this directory: by their command lines and their homes. */
function leftRunning(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const about = `${line} ${readFileSync(`/proc/${pid}/environ`, 'utf8')}`;
        return about.includes(directory) && recordOf(Number(pid)) !== undefined ? [line] : [];
      } catch {
        return [];
      }
    });
}

const oneSentence = /^[^\n]+\.\n$/;

describe('npm run demo says in one sentence what is wrong, and starts nothing', () => {
  test('a taken port: who wanted it, how to find who has it, and how to choose others', async () => {
    const directory = newDirectory();
    const base = await freeBase();
    await taken(base + 2);
    const { code, output } = await demo('--directory', directory, '--port-base', String(base)).ended;
    expect(code).toBe(1);
    expect(output).toMatch(oneSentence);
    expect(output).toContain(`Port ${base + 2}, which the chat completions stand-in needs, is taken`);
    expect(output).toContain(`ss -ltnp 'sport = :${base + 2}'`);
    expect(output).toContain('--port-base N');
    expect(leftRunning(directory)).toEqual([]);
    expect(existsSync(join(directory, 'owner.json'))).toBe(false);
  });

  test('a directory in use: by which process, and how to stop it', async () => {
    const directory = newDirectory();
    const own = await takeDirectory(directory);
    const { code, output } = await demo('--directory', directory).ended;
    expect({ code, output }).toEqual({
      code: 1,
      output: `A demo of this checkout runs already (process ${process.pid}): use it, or stop it with kill ${process.pid}.\n`,
    });
    own.release();
  });

  test('a directory that cannot be written', async () => {
    const file = join(newDirectory(), 'a-file');
    writeFileSync(file, '');
    const { code, output } = await demo('--directory', join(file, 'demo')).ended;
    expect({ code, output }).toEqual({
      code: 1,
      output: `The demo's state cannot be written to ${file}/demo: make it a directory that this user may write to (chown or chmod).\n`,
    });
  });

  test('a part that does not exist', async () => {
    const { code, output } = await demo('--only', 'kie,prompter').ended;
    expect({ code, output }).toEqual({
      code: 1,
      output:
        '--only does not know the part "prompter": choose of telegram, kie, completions, node, bot, controller.\n',
    });
  });
});

test('of two that take a directory at the same moment, one gets it', async () => {
  const directory = newDirectory();
  const takings = await Promise.allSettled([takeDirectory(directory), takeDirectory(directory)]);
  expect(takings.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

const report = z.strictObject({
  orders: z.array(
    z.strictObject({
      order: z.string().regex(/^[a-z2-7]{12}$/),
      videoJob: z.string(),
      outcome: z.string(),
      credits: z.string(),
      secondsTapToCreateTask: z.number().nullable(),
      secondsProviderDoneToChat: z.number().nullable(),
      paidTasks: z.number(),
      videosInChat: z.number(),
      videoBytes: z.number().nullable(),
    }),
  ),
  ledger: z.strictObject({
    granted: z.number(),
    bought: z.number(),
    held: z.number(),
    captured: z.number(),
    available: z.number(),
    owed: z.number(),
  }),
  apiWritesPerVideoJob: z.number().positive(),
  startSeconds: z.number().positive(),
  memoryMegabytes: z.strictObject({ idle: z.number(), peak: z.number() }),
});

describe('the demo itself', () => {
  const directory = newDirectory();

  test('interrupted in the middle of an order, it stops everything and leaves true addresses', async () => {
    const base = await freeBase();
    const running = demo('--directory', directory, '--port-base', String(base));
    await waitFor(() => running.output().includes('-gen-1'), { what: 'the first Job', within: 150_000 });
    process.kill(running.pid, 'SIGTERM');
    expect((await running.ended).code).toBe(130);
    expect(leftRunning(directory)).toEqual([]);
    const { processes } = endpointsFile.parse(JSON.parse(readFileSync(join(directory, 'endpoints.json'), 'utf8')));
    expect(Object.values(processes).flat()).toEqual([]);
  }, 240_000);

  test('with the state of the interrupted one, --once plays its orders, reports them and leaves nothing running', async () => {
    const base = await freeBase();
    const { code, output } = await demo('--directory', directory, '--port-base', String(base), '--once').ended;
    expect(output).toContain('all three orders went as they should');
    expect(code).toBe(0);
    expect(leftRunning(directory)).toEqual([]);
    const { orders, ledger, memoryMegabytes } = report.parse(
      JSON.parse(readFileSync(join(directory, 'report.json'), 'utf8')),
    );
    const [cup, person, again] = orders;
    const captured = { outcome: 'VideoDelivered', credits: 'CreditsCaptured', paidTasks: 1, videosInChat: 1 };
    expect(cup).toMatchObject(captured);
    expect(cup?.videoBytes).toBeGreaterThan(10_000);
    expect(person).toMatchObject({
      ...{ outcome: 'ContentRejected', credits: 'CreditsRefunded', paidTasks: 0, videosInChat: 0 },
      ...{ secondsProviderDoneToChat: null, videoBytes: null },
    });
    expect(again).toMatchObject(captured);
    expect(ledger.available + ledger.held + ledger.captured).toBe(ledger.granted);
    expect([ledger.bought, ledger.owed]).toEqual([0, 0]);
    expect(memoryMegabytes.peak).toBeGreaterThanOrEqual(memoryMegabytes.idle);
    expect(memoryMegabytes.peak).toBeLessThan(1300);
  }, 300_000);
});
