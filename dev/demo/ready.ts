import { setTimeout as pause } from 'node:timers/promises';
import { DevEnvironmentError } from '../errors.ts';
import type { DemoPorts } from './ports.ts';
import type { PartName } from './stack.ts';

const withinMs = 60_000;

/** Waits until every started part answers for itself. @throws DevEnvironmentError naming the part and its log. */
export async function waitReady(
  parts: readonly PartName[],
  ports: DemoPorts,
  onProgress: (line: string) => void,
): Promise<void> {
  const questions: { part: PartName; url: string }[] = [];
  if (parts.includes('stand-ins')) {
    questions.push({ part: 'stand-ins', url: `http://127.0.0.1:${ports.telegram}/dev/chats` });
    questions.push({ part: 'stand-ins', url: `http://127.0.0.1:${ports.kie}/dev/tasks` });
  }
  for (const part of ['bot', 'controller'] as const) {
    if (parts.includes(part)) questions.push({ part, url: `http://127.0.0.1:${ports[part]}/readyz` });
  }
  await Promise.all(questions.map(({ part, url }) => answers(part, url)));
  onProgress('Every part answers');
}

async function answers(part: PartName, url: string): Promise<void> {
  const deadline = Date.now() + withinMs;
  let last = 'no answer';
  while (Date.now() < deadline) {
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
