import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { type ProcessRecord, recordOf } from '../process-record.ts';

export interface ProcessEnd {
  exitCode: number;
  signal?: number;
}

/** A container's process, the leader of a group of its own. */
export interface ContainerProcess {
  /** Undefined when it ended before it could be looked at. */
  readonly record: ProcessRecord | undefined;
  readonly ended: Promise<ProcessEnd>;
  /**
   * SIGTERM to the leader (what a container runtime does), SIGKILL to the whole group after the grace; called again
   * with less grace it only shortens.
   */
  stop(graceSeconds: number): void;
  /** SIGKILL to the whole group, now. */
  kill(): void;
}

/**
 * Starts a container's process. It may outlive us, as containers outlive a kubelet: it is in its own group and writes
 * straight to its log file. What is left of its group when the leader ends is killed.
 * @throws the spawn's own error when the program cannot be executed.
 */
export async function startProcess(options: {
  command: readonly [string, ...string[]];
  environment: Record<string, string>;
  directory: string;
  logFile: string;
}): Promise<ContainerProcess> {
  const [program, ...args] = options.command;
  const log = openSync(options.logFile, 'a');
  const { directory: cwd, environment: env } = options;
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (code, name) => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      const signal = name === null ? undefined : constants.signals[name];
      resolve(signal === undefined ? { exitCode: code ?? 255 } : { exitCode: 128 + signal, signal });
    });
  });
  const pid = child.pid;
  if (pid === undefined) throw await new Promise<Error>((resolve) => child.once('error', resolve));
  let killer: NodeJS.Timeout | undefined;
  let killAt = Number.POSITIVE_INFINITY;
  const running = () => child.exitCode === null && child.signalCode === null;
  void ended.then(() => clearTimeout(killer));
  const kill = () => {
    if (running()) signalGroup(pid, 'SIGKILL');
  };
  return {
    record: recordOf(pid),
    ended,
    kill,
    stop(graceSeconds) {
      if (!running()) return;
      if (killAt === Number.POSITIVE_INFINITY) child.kill('SIGTERM');
      const at = Date.now() + graceSeconds * 1000;
      if (at >= killAt) return;
      killAt = at;
      clearTimeout(killer);
      killer = setTimeout(kill, graceSeconds * 1000);
    },
  };
}

/** Sends a signal to every process of a group; one that is gone is no error. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/**
 * Pids of the programs that run in a pod directory below `podsDirectory`, and of what they started: told by the mounts
 * in their environment, so that one whose pid we had no time to record is found too.
 */
export function processesOfPods(podsDirectory: string): number[] {
  return listProcesses().filter((pid) => {
    try {
      const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      return variables.some((text) => text.startsWith('NEUROCARDS_MOUNTS=') && text.includes(`"${podsDirectory}/`));
    } catch {
      return false;
    }
  });
}

function listProcesses(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
