import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crashTableReference } from './crash-table.ts';
import { videoJobCrdFile } from './crd.ts';
import { environmentReference, metricsReference, reasonsReference } from './reference.ts';

/** A file of the repository that is written by a program from another one. */
export type Generator = {
  /** Its path from the root of the checkout. */
  readonly file: string;
  /** What it must hold. */
  readonly text: () => Promise<string>;
};

/** The chart brings its own copy, because Helm reads nothing outside a chart. */
const chartCrdFile: Generator = { file: 'charts/neurocards/files/crds/videojobs.yaml', text: videoJobCrdFile.text };

/** Every generated file. Add one here, and `npm run check` holds it to its source. */
export const GENERATORS: readonly Generator[] = [
  videoJobCrdFile,
  chartCrdFile,
  crashTableReference,
  environmentReference,
  metricsReference,
  reasonsReference,
];

/** One line per generated file that differs from what its source would give now. */
export async function outdatedFiles(root: string, generators: readonly Generator[] = GENERATORS): Promise<string[]> {
  const outdated: string[] = [];
  for (const { file, text } of generators) {
    const found = await readFile(join(root, file), 'utf8').catch(() => undefined);
    if (found === undefined) outdated.push(`${file} is missing; npm run generate writes it.`);
    else if (found !== (await text())) outdated.push(`${file} is not what its source gives; run npm run generate.`);
  }
  return outdated;
}

/** Writes every generated file that differs. @returns the paths it wrote. */
export async function writeFiles(root: string, generators: readonly Generator[] = GENERATORS): Promise<string[]> {
  const written: string[] = [];
  for (const { file, text } of generators) {
    const path = join(root, file);
    const wanted = await text();
    if ((await readFile(path, 'utf8').catch(() => undefined)) === wanted) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, wanted);
    written.push(file);
  }
  return written;
}
