import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { answerSubmit } from '../../src/generation/attempt.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { exitCodes } from '../../src/runner/exit.ts';
import { waitFor } from '../support/wait.ts';
import { type BenchOrder, nextExecution, setUpWorkbench, type Workbench } from '../support/workbench.ts';

/** How often a task was looked at. */
const looks = async (bench: Workbench): Promise<number> => (await bench.kieCalls('recordInfo')).length;

/** What the controller does about a verdict. */
const closed = (bench: Workbench, { orderId, uid }: BenchOrder) =>
  closeOrder(bench.ledger.controller, orderId, uid, 'Verdict');

describe('a task that ends badly', () => {
  it.each([
    ['fail:422:The request failed because the input image may contain real person.', 'user-person', 'ContentRejected'],
    ['fail:400:Your prompt was flagged by our system.', 'user-prompt', 'PromptRejected'],
  ])('by %s is the person’s photo or words, and ends the order', async (tag, failureClass, reason) => {
    const bench = await setUpWorkbench();
    const order = await bench.order(`a cup [[emu:${tag}]]`);
    expect(await (await bench.generate(order)).end).toMatchObject({ code: exitCodes.verdict });
    expect(await bench.attempt(order)).toMatchObject({ state: 'failed', failure_class: failureClass });
    expect((await bench.ledger.observe(order)).attempts.current?.anotherAllowed).toBe(false);
    expect(await closed(bench, order)).toMatchObject({ settled: { outcome: 'released', reason } });
  });

  it('by the provider’s own fault allows another one', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:fail:500:Internal Error, Please try again later.]]');
    await (await bench.generate(order)).end;
    expect(await bench.attempt(order)).toMatchObject({ state: 'failed', failure_class: 'provider-internal' });
    expect((await bench.ledger.observe(order)).attempts.current?.anotherAllowed).toBe(true);
    expect(await closed(bench, order)).toMatchObject({ settled: null });
  });

  it('in words nobody knows is never blamed on the person', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:fail:422:Purple monkeys ate it]]');
    await (await bench.generate(order)).end;
    expect(await bench.attempt(order)).toMatchObject({ state: 'failed', failure_class: 'provider-internal' });
  });
});

describe('a look at a task', () => {
  it('that finds nothing, garbage, an error or a new state says nothing about it', async () => {
    const bench = await setUpWorkbench();
    const tags = ['unseen:2', 'poll-garbage:2', 'poll-5xx:2', 'poll-429:1', 'new-state:dreaming'];
    await Promise.all(
      tags.map(async (tag) => {
        const order = await bench.order(`a cup [[emu:${tag}]] [[emu:slow-late-success:2]]`);
        expect((await (await bench.generate(order)).end).code, tag).toBe(exitCodes.verdict);
        expect(await bench.attempt(order), tag).toMatchObject({ n: 1, state: 'succeeded' });
      }),
    );
    expect(await looks(bench)).toBeGreaterThan(2 * tags.length);
    expect(await bench.tasks()).toHaveLength(tags.length);
  });

  it('comes every tenth of the usual time', async () => {
    const bench = await setUpWorkbench();
    await bench.ledger.admin.query("select ledger.set_setting('usual_seconds', '20')");
    const order = await bench.order('a cup [[emu:stuck]]');
    const runner = await bench.generate(order);
    await waitFor(async () => (await looks(bench)) === 3, { what: 'three looks' });
    runner.stop();
    await runner.end;
    const [first, , third] = await bench.kieCalls('recordInfo');
    expect(((third?.time ?? 0) - (first?.time ?? 0)) / 2).toBeGreaterThanOrEqual(2000);
    expect(((third?.time ?? 0) - (first?.time ?? 0)) / 2).toBeLessThan(2900);
  });

  it('is made all the same when PostgreSQL is away, and the video is stored afterwards', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:slow-late-success:2]]');
    const runner = await bench.generate(order);
    await bench.state(order, 'accepted');
    bench.proxy.down();
    const before = await looks(bench);
    await waitFor(async () => (await looks(bench)) > before, { what: 'a look while PostgreSQL is away' });
    await waitFor(async () => (await bench.tasks())[0]?.state === 'success', { what: 'the end of the task' });
    bench.proxy.up();
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ state: 'succeeded' });
  });
});

describe('a finished file', () => {
  it('that is a page, cut short, gone or too big for good makes the attempt fail', async () => {
    const bench = await setUpWorkbench();
    const tags = ['url-html', 'url-trunc', 'url-404', 'url-big:51'];
    await Promise.all(
      tags.map(async (tag) => {
        const order = await bench.order(`a cup [[emu:${tag}]]`);
        expect((await (await bench.generate(order)).end).code, tag).toBe(exitCodes.verdict);
        const failed = { n: 1, state: 'failed', failure_class: 'provider-lost' };
        expect(await bench.attempt(order), tag).toMatchObject(failed);
        const settled = { outcome: 'released', reason: 'GenerationFailed' };
        expect(await closed(bench, order), tag).toMatchObject({ settled });
      }),
    );
    expect(await bench.ledger.rows('select from ledger.deliveries')).toEqual([]);
    expect(await bench.tasks()).toHaveLength(tags.length);
  });

  it('that cannot be had a few times is downloaded later', async () => {
    const bench = await setUpWorkbench();
    const faults = [
      ['drop', 1],
      ['500', 4],
      ['403', 2],
    ];
    for (const [fault, times] of faults) await bench.kieFault({ method: 'download', fault, times });
    const orders = await Promise.all([bench.order('a cup'), bench.order('another cup')]);
    const runners = await Promise.all(orders.map((order) => bench.generate(order)));
    for (const { end } of runners) expect((await end).code).toBe(exitCodes.verdict);
    for (const order of orders) expect(await bench.attempt(order)).toMatchObject({ state: 'succeeded' });
  });
});

describe('a video that cannot be stored', () => {
  it('is tried again while the provider still has it', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    // A file where the order's directory should be.
    const blocked = bench.storage.path(order.orderId);
    await writeFile(blocked, '');
    const runner = await bench.generate(order);
    await waitFor(async () => (await bench.kieCalls('download')).some(({ outcome }) => outcome === 'ok'), {
      what: 'a download',
    });
    expect(await bench.attempt(order)).toMatchObject({ state: 'accepted' });
    await rm(blocked);
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ n: 1, state: 'succeeded' });
  });
});

describe('a pod that waits', () => {
  it('holds no connection to PostgreSQL', async () => {
    const bench = await setUpWorkbench();
    await bench.ledger.admin.query("select ledger.set_setting('usual_seconds', '100')");
    const order = await bench.order('a cup [[emu:stuck]]');
    const runner = await bench.generate(order);
    await bench.state(order, 'accepted');
    const connections = async () =>
      (
        await bench.ledger.rows(
          "select from pg_stat_activity where datname = current_database() and application_name = 'test-runner'",
        )
      ).length;
    await waitFor(async () => (await connections()) === 0, { what: 'no connection', within: 5_000 });
    runner.stop();
    await runner.end;
  });
});

describe('a lease that a later execution took', () => {
  it('lets the earlier one write nothing, and the later one finishes the same task', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:slow-late-success:4]]');
    const first = await bench.generate(order);
    await bench.state(order, 'accepted');
    const [task] = await bench.tasks();
    const second = await bench.generate(order, { execution: await nextExecution(bench, order) });
    expect((await second.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ n: 1, state: 'succeeded', task_id: task?.taskId });
    expect((await first.end).code).toBe(exitCodes.superseded);
    expect(await bench.tasks()).toHaveLength(1);
    expect(await bench.ledger.rows('select from ledger.deliveries')).toHaveLength(1);
  });

  it('of the same execution waits until the first one is gone', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:slow-late-success:3]]');
    const first = await bench.generate(order);
    await bench.state(order, 'accepted');
    const twin = await bench.generate(order, { execution: 1 });
    expect((await first.end).code).toBe(exitCodes.verdict);
    expect(await twin.end).toMatchObject({ code: exitCodes.verdict, message: 'the verdict is succeeded' });
    expect(await bench.tasks()).toHaveLength(1);
    expect(bench.lines.filter((line) => line.includes('attempt leased'))).toHaveLength(1);
  });

  it('that ran out stays with its holder while nobody took it', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:slow-late-success:3]]');
    const runner = await bench.generate(order);
    await bench.state(order, 'accepted');
    await bench.ledger.rows("update ledger.attempts set lease_until = now() - interval '1 second'");
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ state: 'succeeded' });
  });
});

describe('an order that was settled meanwhile', () => {
  it('is left alone: nothing is written and nothing more is asked', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:slow-late-success:2]]');
    const runner = await bench.generate(order);
    await bench.state(order, 'accepted');
    await closeOrder(bench.ledger.controller, order.orderId, order.uid, 'Deleted');
    expect((await runner.end).code).toBe(exitCodes.superseded);
    expect(await bench.attempt(order)).toMatchObject({ state: 'abandoned' });
    expect(await bench.ledger.rows('select from ledger.deliveries')).toEqual([]);
    const late = await bench.generate(order, { execution: 1 });
    expect(await late.end).toMatchObject({ message: 'the order is settled' });
    expect(await bench.tasks()).toHaveLength(1);
  });
});

describe('SIGTERM', () => {
  it('before the submit begins nothing that costs', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    await bench.kieFault({ method: 'upload', fault: 'slow', seconds: 1 });
    const runner = await bench.generate(order);
    await waitFor(async () => (await bench.kieCalls('upload')).length === 1, { what: 'the upload' });
    runner.stop();
    expect((await runner.end).code).toBe(exitCodes.interrupted);
    expect(await bench.attempt(order)).toMatchObject({ state: 'ready' });
    expect(await bench.kieCalls('createTask')).toEqual([]);
    const [row] = await bench.ledger.rows('select photo_url is not null as uploaded from ledger.attempts');
    expect(row).toEqual({ uploaded: true });
  });

  it('during the submit waits for its answer and writes it', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    await bench.kieFault({ method: 'createTask', fault: 'slow', seconds: 1 });
    const runner = await bench.generate(order);
    await waitFor(async () => (await bench.tasks()).length === 1, { what: 'the task' });
    runner.stop();
    expect((await runner.end).code).toBe(exitCodes.interrupted);
    const [task] = await bench.tasks();
    expect(await bench.attempt(order)).toMatchObject({ state: 'accepted', task_id: task?.taskId });
    expect(await bench.counted()).toMatchObject({ 'provider submit ok': 1 });
  });

  it('between two looks ends at once', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:stuck]]');
    const runner = await bench.generate(order);
    await bench.state(order, 'accepted');
    runner.stop();
    expect((await runner.end).code).toBe(exitCodes.interrupted);
  });

  it('during the download finishes it and stores the video', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:url-slow:1]]');
    const runner = await bench.generate(order);
    await waitFor(async () => (await bench.kieCalls('download')).some(({ outcome }) => outcome === 'pending'), {
      what: 'the download',
      every: 10,
    });
    runner.stop();
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ state: 'succeeded' });
  });

  it('while PostgreSQL is away at the start ends without a crash', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    const execution = await bench.ledger.execution(order);
    bench.proxy.down();
    const runner = await bench.generate(order, { execution });
    runner.stop();
    expect((await runner.end).code).toBe(exitCodes.interrupted);
    expect(bench.lines.join('\n')).not.toContain('attempt leased');
  });
});

describe('a task whose answer was lost', () => {
  it('is adopted by the running pod once somebody names it', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup [[emu:accept-then-drop]]');
    const runner = await bench.generate(order);
    await bench.state(order, 'unknown');
    const { submit_nonce: nonce } = await bench.attempt(order);
    const [task] = await bench.tasks();
    await answerSubmit(bench.ledger.controller, nonce ?? '', { kind: 'accepted', taskId: task?.taskId ?? '' });
    // Seen at the next look, not only with the next renewal of the lease.
    await waitFor(async () => (await looks(bench)) > 0, { what: 'a look at the named task', within: 8_000 });
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ n: 1, state: 'succeeded', task_id: task?.taskId });
    expect(await bench.tasks()).toHaveLength(1);
  });
});

describe('what a runner says', () => {
  it('never has a key, a prompt or the person’s words in it', async () => {
    const bench = await setUpWorkbench();
    const canaries = ['CANARYPRODUCT', 'CANARYWISH', 'kie-key-canary', 'prompter-key-canary', 'product film'];
    const order = await bench.order('CANARYPRODUCT cup [[emu:poll-5xx:1]]', { template: 'ad' });
    await bench.kieFault({ method: 'createTask', fault: '429', retry_after: 1 });
    await bench.kieFault({ method: 'upload', fault: '500', retry_after: 1 });
    const end = await (await bench.generate(order)).end;
    expect(end.code).toBe(exitCodes.verdict);
    const failing = await bench.order('CANARYPRODUCT [[emu:fail:422:CANARYWISH Purple]]', { template: 'ugc' });
    const failed = await (await bench.generate(failing)).end;
    const rows = await bench.ledger.rows('select failure_message from ledger.attempts');
    const said = [...bench.lines, end.message, failed.message, JSON.stringify(rows)].join('\n');
    expect(said).toContain('attempt leased');
    for (const canary of canaries) expect(said).not.toContain(canary);
  });
});
