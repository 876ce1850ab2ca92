import { expect, it } from 'vitest';
import { callbackRoute } from '../../src/bot/callback-route.ts';
import { checkHints } from '../../src/controller/hints.ts';
import { takeHints } from '../../src/generation/hint.ts';
import { createLogger } from '../../src/log/logger.ts';
import { createKieProvider } from '../../src/provider/kie/provider.ts';
import { exitCodes } from '../../src/runner/exit.ts';
import type { TestLedger } from '../support/ledger.ts';
import { KIE_KEY, setUpWorkbench } from '../support/workbench.ts';

const publicUrl = 'https://bot.example';
const callbackAddress = `${publicUrl}/kie/callback`;
const never = new AbortController().signal;

/** What the bot does with a POST of anybody. */
async function called(ledger: TestLedger, nonce: string, taskId: string): Promise<void> {
  const route = callbackRoute(ledger.bot, createLogger({ service: 'bot', level: 'silent' }));
  const body = Buffer.from(JSON.stringify({ code: 200, data: { taskId, state: 'success' } }));
  const request = { method: 'POST', path: '', params: { nonce }, query: new URLSearchParams(), headers: {}, body };
  expect(await route({ ...request, signal: never })).toMatchObject({ status: 200 });
}

function proof({ ledger, kieUrl }: Awaited<ReturnType<typeof setUpWorkbench>>, lines: string[] = []) {
  const log = createLogger(
    { service: 'controller', level: 'trace' },
    { write: (line: string) => void lines.push(line) },
  );
  const provider = createKieProvider({ baseUrl: kieUrl, uploadUrl: kieUrl, apiKey: KIE_KEY });
  return checkHints({ database: ledger.controller, provider, publicUrl, log, signal: never });
}

it("a forged callback does not put another person's task into an order, and the true one is found", async () => {
  const bench = await setUpWorkbench();
  const anna = await bench.order('a cup', {});
  expect((await (await bench.generate(anna, { callbackAddress })).end).code).toBe(exitCodes.verdict);
  const { task_id: hers } = await bench.attempt(anna);

  const boris = await bench.order('a vase [[emu:accept-then-drop]]');
  const runner = await bench.generate(boris, { callbackAddress });
  await bench.state(boris, 'unknown');
  const { submit_nonce: nonce } = await bench.attempt(boris);
  const his = (await bench.tasks()).find(({ callBackUrl }) => callBackUrl === `${callbackAddress}/${nonce}`);

  await called(bench.ledger, nonce ?? '', hers ?? '');
  await called(bench.ledger, nonce ?? '', 'nothing-of-the-provider');
  expect(await bench.attempt(boris)).toMatchObject({ state: 'unknown', task_id: null });
  const lines: string[] = [];
  await proof(bench, lines)();
  expect(await bench.attempt(boris)).toMatchObject({ state: 'unknown', task_id: null });
  // The one is refused for good, the other is looked at again.
  expect(await bench.ledger.rows('select task_id, verdict from ledger.task_hints order by verdict')).toEqual([
    { task_id: hers, verdict: 'foreign' },
    { task_id: 'nothing-of-the-provider', verdict: null },
  ]);

  await called(bench.ledger, nonce ?? '', his?.taskId ?? '');
  await proof(bench, lines)();
  expect(await bench.attempt(boris)).toMatchObject({ task_id: his?.taskId });
  expect((await runner.end).code).toBe(exitCodes.verdict);
  expect(await bench.attempt(boris)).toMatchObject({ n: 1, state: 'succeeded' });
  expect(lines.join('')).not.toContain(nonce);
  expect(await bench.ledger.violations()).toEqual([]);
});

it('a callback for a nonce that nobody begun with, or whose task is known, writes nothing, and nobody fills the table', async () => {
  const bench = await setUpWorkbench();
  const { ledger } = bench;
  await called(ledger, 'a-nonce-nobody-made', 'task-1');
  const accepted = await ledger.accepted(await ledger.claimed(await ledger.person()));
  await called(ledger, accepted.nonce, `task-${accepted.nonce}`);
  expect(await ledger.rows('select * from ledger.task_hints')).toEqual([]);
  const open = await ledger.submitting(await ledger.claimed(await ledger.person()));
  for (const number of Array.from({ length: 30 }, (_, index) => index))
    await called(ledger, open.nonce, `task-${number}`);
  expect(await ledger.rows('select count(*)::integer as hints from ledger.task_hints')).toEqual([{ hints: 20 }]);
  // Looked at once now, and then not again at once.
  expect(await takeHints(ledger.controller, 50)).toHaveLength(20);
  expect(await takeHints(ledger.controller, 50)).toEqual([]);
});
