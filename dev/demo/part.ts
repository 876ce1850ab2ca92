import { type Child, startChild } from '../child.ts';

export interface PartOptions {
  name: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  logFile: string;
  /** Told when it died by itself, and again when it runs anew. */
  onChange: (what: string) => void;
}

/** One process of ours that is started again when it dies, with growing pauses, as a Deployment would. */
export interface Part {
  readonly name: string;
  /** undefined while it does not run. */
  readonly pid: number | undefined;
  kill(signal: NodeJS.Signals): void;
  /** Stops it for good: SIGTERM, then SIGKILL after the grace. */
  stop(): Promise<void>;
}

/** A node ends its pods first, and a pod finishes the call it is in: on a slow machine that takes its time. */
const graceMs = 20_000;
const firstPauseMs = 500;
const longestPauseMs = 15_000;
const healthyMs = 30_000;

/** Starts a part and keeps it running until `stop`. */
export async function startPart(options: PartOptions): Promise<Part> {
  let child: Child | undefined;
  let stopping = false;
  let pauseMs = firstPauseMs;
  let timer: NodeJS.Timeout | undefined;
  let launching: Promise<void> = Promise.resolve();

  async function launch(): Promise<void> {
    const started = Date.now();
    const current = await startChild({
      command: process.execPath,
      args: [...options.args],
      env: { ...options.env },
      cwd: options.cwd,
      stopSignal: 'SIGTERM',
      logFile: options.logFile,
    });
    child = current;
    options.onChange('started');
    void current.exited.then(({ code, signal }) => {
      if (stopping) return;
      if (Date.now() - started > healthyMs) pauseMs = firstPauseMs;
      options.onChange(`ended (${signal ?? `exit code ${code}`}); started again in ${pauseMs / 1000} s`);
      later();
    });
  }

  function later(): void {
    timer = setTimeout(() => {
      launching = launch().catch(() => {
        if (stopping) return;
        options.onChange(`could not be started; tried again in ${pauseMs / 1000} s`);
        later();
      });
    }, pauseMs);
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  }

  await launch();
  return {
    name: options.name,
    get pid() {
      return child?.isRunning() === true ? child.pid : undefined;
    },
    kill: (signal) => child?.kill(signal),
    async stop() {
      stopping = true;
      clearTimeout(timer);
      await launching;
      await child?.stop(graceMs);
    },
  };
}
