import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/runner/exit.ts';
import { waitFor } from '../support/wait.ts';
import { nextExecution, setUpWorkbench } from '../support/workbench.ts';

describe('a generate pod', () => {
  it('makes one video of one photo, with one paid task, and says so in the row', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup of coffee', { template: 'ad' });
    const { end } = await bench.generate(order);
    expect(await end).toMatchObject({ code: exitCodes.verdict, message: 'the attempt is succeeded' });
    expect(await bench.attempt(order)).toMatchObject({ n: 1, state: 'succeeded', prompt_source: 'completions' });
    const tasks = await bench.tasks();
    expect(tasks).toMatchObject([{ paid: true, callBackUrl: null }]);
    const { rows } = await bench.ledger.superuser.query('select video_key, video_bytes from ledger.attempts');
    const [stored] = rows as { video_key: string; video_bytes: string }[];
    expect(stored?.video_key).toMatch(new RegExp(`^${order.orderId}/[0-9a-f]{64}$`));
    expect((await readFile(bench.storage.path(stored?.video_key ?? ''))).byteLength).toBe(Number(stored?.video_bytes));
    expect(await bench.counted()).toMatchObject({
      'provider upload ok': 1,
      'provider submit ok': 1,
      'provider download ok': 1,
      'prompter write ok': 1,
    });
    expect(await bench.ledger.violations()).toEqual([]);
  });

  it('goes on with a fixed prompt when nobody can write one', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup of coffee', { template: 'ugc' });
    await bench.completionsFault({ method: 'completions', fault: '500' });
    await (await bench.generate(order)).end;
    expect(await bench.attempt(order)).toMatchObject({ state: 'succeeded', prompt_source: 'fallback' });
    expect(await bench.counted()).toMatchObject({ 'prompter write unavailable': 1 });
  });
});

describe('preparing', () => {
  it('asks for one prompt, stores it and sends just that, though the upload fails at first', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup of coffee', { template: 'ad' });
    await bench.kieFault({ method: 'upload', fault: '500', times: 2, retry_after: 1 });
    expect((await (await bench.generate(order)).end).code).toBe(exitCodes.verdict);
    const [row] = await bench.ledger.rows('select prompt from ledger.attempts');
    expect((await bench.tasks())[0]?.prompt).toBe(row?.['prompt']);
    expect(await bench.counted()).toMatchObject({ 'prompter write ok': 1, 'provider upload ok': 1 });
  });

  it('waits for a photo that cannot be read, and sends nothing meanwhile', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup', { photo: 'photos/not-there.jpg' });
    const runner = await bench.generate(order);
    await waitFor(async () => (await bench.attempt(order)).failure_class, { what: 'the trouble in the row' });
    expect(await bench.attempt(order)).toMatchObject({ state: 'ready', failure_class: 'operator-request' });
    runner.stop();
    expect((await runner.end).code).toBe(exitCodes.interrupted);
    expect(await bench.kieCalls('createTask')).toEqual([]);
  });
});

describe('the answer to a submit', () => {
  it.each([
    ['refuse-429', 'provider-rate'],
    ['refuse-402', 'operator-balance'],
    ['refuse-455', 'provider-busy'],
  ])('%s leaves the attempt ready, not before a while, and uses nothing up', async (tag, failureClass) => {
    const bench = await setUpWorkbench();
    const order = await bench.order(`a cup [[emu:${tag}:1000]]`);
    const runner = await bench.generate(order);
    await waitFor(async () => (await bench.attempt(order)).failure_class, { what: 'the refusal in the row' });
    const row = await bench.attempt(order);
    expect(row).toMatchObject({ n: 1, state: 'ready', failure_class: failureClass, submit_nonce: null });
    expect(row.not_before?.getTime()).toBeGreaterThan(Date.now());
    runner.stop();
    expect((await runner.end).code).toBe(exitCodes.interrupted);
    expect(await bench.tasks()).toEqual([]);
  });

  it('is repeated after a refusal that passes, with one paid task at the end', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    await bench.kieFault({ method: 'createTask', fault: '429', retry_after: 1 });
    expect((await (await bench.generate(order)).end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ n: 1, state: 'succeeded' });
    expect(await bench.kieCalls('createTask')).toHaveLength(2);
    expect(await bench.tasks()).toHaveLength(1);
  });

  it('that blames the content is a verdict', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    await bench.kieFault({ method: 'createTask', fault: '400:Your prompt was flagged by our system.' });
    expect(await (await bench.generate(order)).end).toMatchObject({ code: exitCodes.verdict });
    expect(await bench.attempt(order)).toMatchObject({ state: 'rejected', failure_class: 'user-prompt' });
    expect(await bench.kieCalls('createTask')).toHaveLength(1);
  });

  it.each(['process-then-drop', 'drop', '500', '502-html'])(
    'lost by %s is unknown, and is never sent again',
    async (fault) => {
      const bench = await setUpWorkbench();
      const order = await bench.order('a cup');
      await bench.kieFault({ method: 'createTask', fault });
      const first = await bench.generate(order);
      await bench.state(order, 'unknown');
      first.stop();
      await first.end;
      const second = await bench.generate(order, { execution: await nextExecution(bench, order) });
      await waitFor(() => bench.lines.filter((line) => line.includes('attempt leased')).length === 2, {
        what: 'the second execution',
      });
      second.stop();
      await second.end;
      expect(await bench.attempt(order)).toMatchObject({ n: 1, state: 'unknown' });
      expect(await bench.kieCalls('createTask')).toHaveLength(1);
    },
  );

  it('that came too late for its execution is still the truth about that POST', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    await bench.kieFault({ method: 'createTask', fault: 'slow', seconds: 2 });
    const slow = await bench.generate(order);
    await bench.state(order, 'intent');
    const execution = await nextExecution(bench, order);
    const quick = await bench.generate(order, { execution });
    await bench.state(order, 'unknown');
    expect((await quick.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ n: 1, state: 'succeeded' });
    expect((await slow.end).code).not.toBe(exitCodes.verdict);
    expect(await bench.tasks()).toHaveLength(1);
  });
});

describe('begin_submit', () => {
  it('whose reply is lost is followed by no POST, and the attempt is ready again', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    const { lost } = bench.proxy.loseReplyTo('ledger.begin_submit', { stayDown: true });
    const runner = await bench.generate(order);
    await lost;
    expect(await bench.attempt(order)).toMatchObject({ state: 'intent' });
    expect(await bench.kieCalls('createTask')).toEqual([]);
    bench.proxy.up();
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ n: 1, state: 'succeeded' });
    expect(await bench.kieCalls('createTask')).toHaveLength(1);
    const nonces = await bench.ledger.rows('select answer from ledger.submit_nonces order by used_at');
    expect(nonces).toEqual([{ answer: 'refused' }, { answer: 'accepted' }]);
  });
});

describe('a task that was accepted while PostgreSQL was away', () => {
  it('is not lost', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    await bench.kieFault({ method: 'createTask', fault: 'slow', seconds: 1 });
    const runner = await bench.generate(order);
    await bench.state(order, 'intent');
    bench.proxy.down();
    await waitFor(async () => (await bench.kieCalls('createTask'))[0]?.outcome === 'ok', { what: 'the answer' });
    const [task] = await bench.tasks();
    expect(await bench.attempt(order)).toMatchObject({ state: 'intent', task_id: null });
    bench.proxy.up();
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ state: 'succeeded', task_id: task?.taskId });
    expect(await bench.tasks()).toHaveLength(1);
  });

  it('is not lost either when the reply of the write is', async () => {
    const bench = await setUpWorkbench();
    const order = await bench.order('a cup');
    const { lost } = bench.proxy.loseReplyTo('ledger.answer_submit');
    const runner = await bench.generate(order);
    await lost;
    expect((await runner.end).code).toBe(exitCodes.verdict);
    expect(await bench.attempt(order)).toMatchObject({ state: 'succeeded' });
    expect(await bench.tasks()).toHaveLength(1);
  });
});
