// Checks the whole checkout without running it. Every step runs even when an earlier one is red.
import { STEPS, type Step } from './steps.ts';

const HELP = `npm run check                 every step
npm run check -- NAME ...     only these steps

Steps:
${STEPS.map((step) => `  ${step.name}`).join('\n')}
`;

/** Two at a time: most of these programs keep one core busy. */
const AT_ONCE = 2;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(HELP);
    return 0;
  }
  const unknown = args.find((name) => !STEPS.some((step) => step.name === name));
  if (unknown !== undefined) {
    console.error(`There is no step "${unknown}". The steps are: ${STEPS.map((step) => step.name).join(', ')}.`);
    return 1;
  }
  const waiting = STEPS.filter((step) => args.length === 0 || args.includes(step.name));
  let red = 0;
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      if (!(await runStep(step))) red += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (red > 0) console.log(`\n${red} ${red === 1 ? 'step is' : 'steps are'} red.`);
  return red === 0 ? 0 : 1;
}

async function runStep(step: Step): Promise<boolean> {
  const start = performance.now();
  const wrong = await step.run().catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const remedy = step.remedy === undefined ? '' : ` (${step.remedy})`;
  const lines = wrong.length === 0 ? [] : wrong.map((line) => `    ${line}`);
  console.log(
    [
      `${wrong.length === 0 ? 'ok ' : 'RED'} ${step.name}, ${seconds} s${lines.length > 0 ? remedy : ''}`,
      ...lines,
    ].join('\n'),
  );
  return wrong.length === 0;
}

process.exitCode = await main(process.argv.slice(2));
