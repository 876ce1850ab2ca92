import { expect, test } from 'vitest';
import { createLogger } from '../log/logger.ts';
import { KubeError } from './error.ts';
import { createWorkQueue } from './queue.ts';
import { runWorkers } from './workers.ts';

const log = createLogger({ service: 'test', level: 'silent' });

test('a pass that throws is repeated with back-off and ends no worker; a conflict is not called an error', async () => {
  const queue = createWorkQueue({ name: 'test', baseDelayMs: 1 });
  const results: string[] = [];
  let passes = 0;
  const workers = runWorkers({
    queue,
    count: 2,
    log,
    onResult: (result) => results.push(result),
    pass: async () => {
      passes += 1;
      if (passes === 1) throw new Error('broken');
      if (passes === 2) throw new KubeError({ status: 409, reason: 'Conflict', message: 'newer' });
      if (passes === 3) return { requeueAfterMs: 1 };
      void queue.shutDownWithDrain();
      return undefined;
    },
  });
  queue.add('a');
  await workers;
  expect(results).toEqual(['error', 'conflict', 'ok', 'ok']);
  expect(queue.retries('a')).toBe(0);
});

test('two keys are worked on at once, one key never', async () => {
  const queue = createWorkQueue({ name: 'test' });
  const running = new Set<string>();
  let most = 0;
  let left = 40;
  queue.add('start');
  await runWorkers({
    queue,
    count: 4,
    log,
    pass: async (key) => {
      if (key === 'start') for (const other of ['a', 'b', 'c', 'a', 'b']) queue.add(other);
      expect(running.has(key)).toBe(false);
      running.add(key);
      most = Math.max(most, running.size);
      queue.add(key);
      await new Promise((resolve) => setImmediate(resolve));
      running.delete(key);
      left -= 1;
      if (left === 0) queue.shutDown();
      return undefined;
    },
  });
  expect(most).toBeGreaterThan(1);
});
