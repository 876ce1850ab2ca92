import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { mutantsThatDoNotApply } from '../../test/faults/mutants/applies.ts';
import { outdatedFiles } from '../generate/generators.ts';
import { wrongArrows } from './arrows.ts';
import { longFiles } from './lengths.ts';
import { brokenLinks } from './links.ts';

const ROOT = join(import.meta.dirname, '../..');

/** One check of the checkout. It answers with what is wrong, in lines for the person at the keyboard. */
export type Step = {
  readonly name: string;
  /** What makes it green again, where one command does. */
  readonly remedy?: string;
  readonly run: () => Promise<readonly string[]>;
};

export const STEPS: readonly Step[] = [
  { name: 'types', run: () => program('tsc', ['--pretty', 'false']) },
  {
    name: 'format',
    remedy: 'npm run format',
    run: () => program('biome', ['ci', '--colors=off', '--reporter=summary']),
  },
  { name: 'lint', run: () => program('oxlint', ['--deny-warnings']) },
  { name: 'arrows', run: () => wrongArrows(ROOT) },
  { name: 'unused code', run: () => program('knip', ['--no-progress', '--no-config-hints']) },
  { name: 'generated files', remedy: 'npm run generate', run: () => outdatedFiles(ROOT) },
  { name: 'links in documents', run: () => brokenLinks(ROOT) },
  { name: 'mutants apply', run: async () => mutantsThatDoNotApply(ROOT) },
  { name: 'file lengths', run: () => longFiles(ROOT) },
];

/** Runs a program of node_modules under our own Node; what it prints is wrong only if it exits red. */
function program(name: string, args: readonly string[]): Promise<readonly string[]> {
  const PATH = [join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(':');
  return new Promise((resolve) => {
    execFile(
      join(ROOT, 'node_modules/.bin', name),
      args,
      { cwd: ROOT, env: { ...process.env, PATH, NO_COLOR: '1' }, maxBuffer: 64 * 2 ** 20 },
      (error, stdout, stderr) => {
        if (error === null) resolve([]);
        else
          resolve(
            `${stdout}\n${stderr}`
              .trim()
              .split('\n')
              .concat(`${name}: ${error.message.split('\n')[0]}`),
          );
      },
    );
  });
}
