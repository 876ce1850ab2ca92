import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const schedules = Number(process.env['NEUROCARDS_SCHEDULES'] ?? 10_000);
// The same part at every run, so that a red one is about the change at hand; others by `npm run simulate`.
const seed = process.env['NEUROCARDS_SCHEDULES_SEED'] ?? '20261128';

/** The command as a person runs it, because it takes over time and chance of its whole process. */
function simulate(...args: string[]): Promise<{ code: number | null; said: string }> {
  const main = join(import.meta.dirname, '../simulation/main.ts');
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      said += part.toString();
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
  });
}

test(`${schedules} simulated schedules lose, double and hang nothing, and meet every row they can`, {
  timeout: 1_200_000,
}, async () => {
  const { code, said } = await simulate(...['--schedules', String(schedules)], ...['--seed', seed]);
  console.log(said);
  expect(said).toContain('lost 0, doubled 0, stuck 0, violations 0');
  expect(code).toBe(0);
});

test('a program that pays twice, or forgets to, is found out with its seed and a short schedule', async () => {
  const paysTwice = await simulate('--schedules', '20', '--seed', '1', '--double', 'createTask');
  expect(paysTwice.code).toBe(1);
  expect(paysTwice.said).toMatch(/seed \d+: doubled: paid tasks/);
  expect(paysTwice.said).toContain('The shortest schedule that breaks it');
  const forgets = await simulate('--schedules', '20', '--seed', '1', '--skip', 'begin_submit', '--no-shrink');
  expect(forgets.code).toBe(1);
  expect(forgets.said).toMatch(/seed \d+: violation: paid tasks/);
});

test('the same seed is the same run', async () => {
  const [once, again] = await Promise.all([simulate('--replay', '7'), simulate('--replay', '7')]);
  expect(again.said).toBe(once.said);
});
