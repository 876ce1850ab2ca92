import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { errorCode } from './errors.ts';

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGKILL';

export interface ChildOptions {
  command: string;
  args: readonly string[];
  /** The whole environment of the child; nothing is inherited. */
  env: Record<string, string>;
  cwd?: string;
  /** Run as this user (only root may). */
  user?: { uid: number; gid: number };
  /** The signal that ends it: sent by `stop`, by our own exit, and by the kernel when we are killed. */
  stopSignal: StopSignal;
  /** Signals go to what it started as well. */
  wholeGroup?: boolean;
  /** Both streams are appended to this file. */
  logFile?: string;
  onLine?: (line: string) => void;
}

export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  isRunning(): boolean;
  /** The last lines it wrote, oldest first. */
  lastLines(): string[];
  kill(signal: NodeJS.Signals): void;
  /** Sends the stop signal, then SIGKILL after `graceMs`; resolves once it is gone. Safe to repeat. */
  stop(graceMs: number): Promise<void>;
}

const KEPT_LINES = 60;
const living = new Set<() => void>();
let exitNetSet = false;
let deathSignalWorks: boolean | undefined;

/**
 * Starts a program that must not outlive this process: the kernel signals it when we are killed (`setpriv --pdeathsig`,
 * where that exists), our own exit signals it otherwise. It gets a session of its own, so that Ctrl-C reaches only us
 * and parts are stopped in their order.
 * @throws the spawn's own error (ENOENT, EACCES) when the program cannot be started.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { command, args } = tiedToUs(options);
  const process_ = spawn(command, args, {
    env: options.env,
    cwd: options.cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.user && command === options.command ? options.user : {}),
  });
  const exited = new Promise<ChildExit>((resolve) => {
    process_.once('close', (code, signal) => resolve({ code, signal }));
  });
  const lines = collectLines(process_, options);
  await new Promise<void>((resolve, reject) => {
    process_.once('spawn', resolve);
    process_.once('error', reject);
  });
  const pid = process_.pid;
  if (pid === undefined) throw new Error(`${options.command} was started without a process id`);
  const isRunning = () => process_.exitCode === null && process_.signalCode === null;
  const kill = (signal: NodeJS.Signals) => {
    if (isRunning()) signalTo(options.wholeGroup ? -pid : pid, signal);
  };
  guard(process_, () => kill(options.stopSignal));
  return {
    pid,
    exited,
    isRunning,
    lastLines: () => [...lines],
    kill,
    stop: async (graceMs) => {
      kill(options.stopSignal);
      const timer = setTimeout(() => kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function tiedToUs(options: ChildOptions): { command: string; args: string[] } {
  if (!hasDeathSignal()) return { command: options.command, args: [...options.args] };
  const { user } = options;
  // The change of user comes in the same call, because the kernel forgets the death signal when the user changes.
  const identity = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
  const signal = options.stopSignal.slice('SIG'.length);
  return { command: 'setpriv', args: [...identity, '--pdeathsig', signal, '--', options.command, ...options.args] };
}

/** Whether this machine has a setpriv that knows `--pdeathsig` (util-linux; not busybox). */
export function hasDeathSignal(): boolean {
  deathSignalWorks ??= spawnSync('setpriv', ['--pdeathsig', 'INT', 'true'], { stdio: 'ignore' }).status === 0;
  return deathSignalWorks;
}

function guard(process_: ChildProcess, end: () => void): void {
  living.add(end);
  process_.once('exit', () => living.delete(end));
  if (exitNetSet) return;
  exitNetSet = true;
  process.on('exit', () => {
    for (const endOne of living) endOne();
  });
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

function collectLines(process_: ChildProcess, options: ChildOptions): string[] {
  const lines: string[] = [];
  let log: number | undefined;
  if (options.logFile !== undefined) {
    mkdirSync(dirname(options.logFile), { recursive: true });
    log = openSync(options.logFile, 'a');
  }
  for (const stream of [process_.stdout, process_.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      if (log !== undefined) writeSync(log, `${line}\n`);
      options.onLine?.(line);
    });
  }
  process_.once('close', () => {
    // Readline hands out the last line after the stream's own close, so the file is closed one turn later.
    setImmediate(() => {
      if (log !== undefined) closeSync(log);
      log = undefined;
    });
  });
  return lines;
}
