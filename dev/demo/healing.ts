import { setTimeout as pause } from 'node:timers/promises';
import type { ControlPlane, ProcessName } from '../control-plane/plane.ts';

export interface Healed {
  controlPlane: Pick<ControlPlane, 'onExit' | 'startProcess'>;
  postgres: { alive(): boolean; restart(): Promise<void> };
  onProgress(line: string): void;
  /** The process numbers changed, or may have. */
  publish(): void;
}

export interface Healing {
  /** Nothing is started from now on. */
  halt(): void;
  /** Resolves when the last start under way is over. */
  idle(): Promise<void>;
}

const lookEveryMs = 1_000;
const retryMs = 2_000;

/**
 * Starts again what is not a part: the control plane's processes and PostgreSQL. Each by itself, because kube-apiserver is not ready
 * before etcd is.
 */
export function startHealing({ controlPlane, postgres, onProgress, publish }: Healed): Healing {
  const stopped = new AbortController();
  const busy = new Map<string, Promise<void>>();

  async function repair(what: string, start: () => Promise<void>): Promise<void> {
    onProgress(`${what} ended; it is started again`);
    publish();
    while (!stopped.signal.aborted) {
      try {
        await start();
        if (!stopped.signal.aborted) onProgress(`${what} runs again`);
        break;
      } catch (error) {
        if (stopped.signal.aborted) return;
        onProgress(`${what}: ${error instanceof Error ? error.message : 'it could not be started'}`);
        await pause(retryMs, undefined, { signal: stopped.signal }).catch(() => undefined);
      }
    }
    publish();
  }

  function attempt(what: string, start: () => Promise<void>): void {
    if (stopped.signal.aborted || busy.has(what)) return;
    busy.set(
      what,
      repair(what, start).finally(() => busy.delete(what)),
    );
  }

  controlPlane.onExit(({ name, expected }: { name: ProcessName; expected: boolean }) => {
    if (!expected) attempt(name, () => controlPlane.startProcess(name));
  });
  const timer = setInterval(() => {
    if (!postgres.alive()) attempt('postgres', () => postgres.restart());
    publish();
  }, lookEveryMs);
  return {
    halt() {
      stopped.abort();
      clearInterval(timer);
    },
    async idle() {
      await Promise.all(busy.values());
    },
  };
}
