import { setTimeout as pause } from 'node:timers/promises';
import { DevEnvironmentError } from '../errors.ts';
import type { PartName, StandInName } from './command.ts';
import type { DemoPorts } from './ports.ts';

const withinMs = 60_000;

export interface WaitedFor {
  parts: readonly PartName[];
  standIns: readonly StandInName[];
  ports: DemoPorts;
  onProgress: (line: string) => void;
  signal?: AbortSignal | undefined;
}

/** What each stand-in answers from the moment it works. */
const questions: Record<StandInName, string> = {
  telegram: '/dev/chats',
  kie: '/dev/tasks',
  completions: '/dev/requests',
};

/**
 * Waits until every started part answers for itself.
 * @throws DevEnvironmentError naming the part and its log; the reason of the signal.
 */
export async function waitReady({ parts, standIns, ports, onProgress, signal }: WaitedFor): Promise<void> {
  const addresses: { part: PartName; url: string }[] = [];
  if (parts.includes('stand-ins')) {
    for (const name of standIns) {
      addresses.push({ part: 'stand-ins', url: `http://127.0.0.1:${ports[name]}${questions[name]}` });
    }
  }
  for (const part of ['bot', 'controller'] as const) {
    if (parts.includes(part)) addresses.push({ part, url: `http://127.0.0.1:${ports[part]}/readyz` });
  }
  await Promise.all(addresses.map(({ part, url }) => answers(part, url, signal)));
  onProgress('Every part answers');
}

async function answers(part: PartName, url: string, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + withinMs;
  let last = 'no answer';
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      const body = await response.text();
      if (response.ok) return;
      last = body.trim().slice(0, 200);
    } catch (error) {
      last = error instanceof Error ? error.message : 'no answer';
    }
    await pause(100);
  }
  throw new DevEnvironmentError(
    'NotReady',
    `The part ${part} did not get ready within ${withinMs / 1000} s (${last}): read its log in the logs folder of the demo.`,
  );
}
