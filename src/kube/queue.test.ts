import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMetrics } from '../metrics/metrics.ts';
import { createWorkQueue, type WorkQueue } from './queue.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a key added many times before it is taken comes once', async () => {
  const queue = createWorkQueue({ name: 'test' });
  for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
  expect(queue.length).toBe(2);
  expect([await queue.get(), await queue.get()]).toEqual(['a', 'b']);
});

test('a key added while it is worked on comes once more, and not before that work is done', async () => {
  const queue = createWorkQueue({ name: 'test' });
  queue.add('a');
  await queue.get();
  queue.add('a');
  queue.add('a');
  expect(queue.length).toBe(0);
  queue.done('a');
  expect(queue.length).toBe(1);
  expect(await queue.get()).toBe('a');
  queue.done('a');
  expect(queue.length).toBe(0);
});

test('of several delays the earliest counts', async () => {
  const queue = createWorkQueue({ name: 'test' });
  queue.addAfter('a', 300_000);
  queue.addAfter('a', 1_000);
  queue.addAfter('a', 60_000);
  await vi.advanceTimersByTimeAsync(999);
  expect(queue.length).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(queue.length).toBe(1);
  await queue.get();
  queue.done('a');
  await vi.advanceTimersByTimeAsync(400_000);
  expect(queue.length).toBe(0);
});

test('the back-off of a key doubles from 5 ms to a minute, for this key only, until it is forgotten', async () => {
  const queue = createWorkQueue({ name: 'test' });
  const waits: number[] = [];
  for (let failure = 0; failure < 16; failure += 1) {
    queue.addRateLimited('a');
    const start = performance.now();
    while (queue.length === 0) await vi.advanceTimersByTimeAsync(5);
    waits.push(performance.now() - start);
    await queue.get();
    queue.done('a');
  }
  expect(waits.slice(0, 4)).toEqual([5, 10, 20, 40]);
  expect(waits.slice(-2)).toEqual([60_000, 60_000]);
  expect([queue.retries('a'), queue.retries('b')]).toEqual([16, 0]);
  queue.forget('a');
  expect(queue.retries('a')).toBe(0);
});

test('a drained queue hands out what waits, takes nothing more, and resolves when the work is done', async () => {
  const queue = createWorkQueue({ name: 'test' });
  queue.add('a');
  queue.add('b');
  queue.addAfter('later', 10);
  const first = await queue.get();
  let drained = false;
  const drain = queue.shutDownWithDrain().then(() => {
    drained = true;
  });
  queue.add('c');
  queue.done(first ?? '');
  const second = await queue.get();
  const end = queue.get();
  await vi.advanceTimersByTimeAsync(100);
  expect([first, second, drained]).toEqual(['a', 'b', false]);
  queue.done('b');
  await drain;
  expect(await end).toBeUndefined();
});

test('a queue with nothing in it drains at once', async () => {
  await createWorkQueue({ name: 'test' }).shutDownWithDrain();
});

test('the metrics have the names and labels of client-go', async () => {
  const metrics = createMetrics({ processMetrics: false });
  const queue = createWorkQueue({ name: 'videojob', metrics });
  queue.add('a');
  queue.add('b');
  await queue.get();
  await vi.advanceTimersByTimeAsync(2_000);
  queue.addRateLimited('c');
  const text = await metrics.text();
  for (const line of [
    'workqueue_depth{name="videojob"} 1',
    'workqueue_adds_total{name="videojob"} 2',
    'workqueue_retries_total{name="videojob"} 1',
    'workqueue_queue_duration_seconds_count{name="videojob"} 1',
    'workqueue_unfinished_work_seconds{name="videojob"} 2',
    'workqueue_longest_running_processor_seconds{name="videojob"} 2',
  ]) {
    expect(text).toContain(line);
  }
});

/** What must hold after any sequence of calls, told by a model that only knows sets. */
interface Model {
  readonly waiting: Set<string>;
  readonly working: Set<string>;
  readonly again: Set<string>;
}

class Add implements fc.AsyncCommand<Model, WorkQueue> {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
  check = () => true;
  async run(model: Model, queue: WorkQueue) {
    queue.add(this.key);
    (model.working.has(this.key) ? model.again : model.waiting).add(this.key);
    expect(queue.length).toBe(model.waiting.size);
  }
  toString = () => `add(${this.key})`;
}

class Take implements fc.AsyncCommand<Model, WorkQueue> {
  check = (model: Readonly<Model>) => model.waiting.size > 0;
  async run(model: Model, queue: WorkQueue) {
    const key = (await queue.get()) ?? '';
    expect(model.waiting.delete(key), `${key} was waiting`).toBe(true);
    expect(model.working.has(key), `${key} is with one worker only`).toBe(false);
    model.working.add(key);
  }
  toString = () => 'get()';
}

class Done implements fc.AsyncCommand<Model, WorkQueue> {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
  check = (model: Readonly<Model>) => model.working.has(this.key);
  async run(model: Model, queue: WorkQueue) {
    queue.done(this.key);
    model.working.delete(this.key);
    if (model.again.delete(this.key)) model.waiting.add(this.key);
    expect(queue.length).toBe(model.waiting.size);
  }
  toString = () => `done(${this.key})`;
}

test('no key is lost, doubled, or with two workers at once, whatever the order of calls', async () => {
  vi.useRealTimers();
  const key = fc.constantFrom('a', 'b', 'c');
  const commands = [key.map((k) => new Add(k)), fc.constant(new Take()), key.map((k) => new Done(k))];
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { size: '+1' }), (calls) =>
      fc.asyncModelRun(
        () => ({
          model: { waiting: new Set<string>(), working: new Set<string>(), again: new Set<string>() },
          real: createWorkQueue({ name: 'test' }),
        }),
        calls,
      ),
    ),
    { numRuns: 300 },
  );
});
