import { expect, test } from 'vitest';
import { createLogger } from '../log/logger.ts';
import { createBell, runLoop } from './loop.ts';

const log = createLogger({ service: 'test', level: 'silent' });

test('a ring wakes every waiting loop, and one that nobody waits for is not lost', async () => {
  const bell = createBell();
  const never = new AbortController().signal;
  const both = Promise.all([bell.wait(60_000, never), bell.wait(60_000, never)]);
  bell.ring();
  await both;
  bell.ring();
  await bell.wait(60_000, never);
});

test('a loop turns at once while there is more, survives a turn that fails, and ends when stopped', async () => {
  const stopping = new AbortController();
  const bell = createBell();
  let turns = 0;
  const running = runLoop(
    async () => {
      turns += 1;
      if (turns === 2) throw new Error('the database is away');
      if (turns === 4) stopping.abort();
      return true;
    },
    { name: 'test', signal: stopping.signal, bell, everyMs: 60_000, log },
  );
  await running;
  expect(turns).toBe(4);
});
