import { copyFile, glob, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');

/** What the image runs: the bundle's name and the source it starts at. */
export const ENTRIES: Readonly<Record<string, string>> = {
  main: 'src/main.ts',
  runner: 'src/runner.ts',
  'photo-child': 'src/photo/child.ts',
};

/** SQL that `migrate` reads at run time; it keeps its paths below `dist/sql`. */
const SQL = ['migrations/*.sql', 'src/*/functions/*.sql'];

// Bundled CommonJS asks for Node's own modules with require, which an ES module does not have.
const REQUIRE = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

/** One file that was written: its path below `dist`, and its size. */
export type Built = { readonly file: string; readonly bytes: number };

/**
 * Bundles the program into `dist/`, so that it runs without node_modules except `sharp`, whose native library cannot be
 * bundled. The whole folder appears at once: a reader never sees half of it.
 *
 * @param directory where the bundles go; `dist` of the checkout by default
 */
export async function buildBundles(directory: string = join(ROOT, 'dist')): Promise<Built[]> {
  const fresh = `${directory}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { ...ENTRIES },
    outdir: fresh,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: REQUIRE },
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'external',
    external: ['sharp', 'pg-native'],
    metafile: true,
    logLevel: 'warning',
  });
  const sql = await copySql(fresh);
  await replace(directory, fresh);
  const bundles = Object.keys(metafile.outputs).map((file) => relative(fresh, join(ROOT, file)));
  const files = [...bundles.filter((file) => file.endsWith('.mjs')), ...sql].sort();
  return Promise.all(files.map(async (file) => ({ file, bytes: (await stat(join(directory, file))).size })));
}

async function copySql(fresh: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob([...SQL], { cwd: ROOT })) {
    files.push(file);
    const target = join(fresh, 'sql', file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(ROOT, file), target);
  }
  return files.map((file) => join('sql', file));
}

async function replace(directory: string, fresh: string): Promise<void> {
  const old = `${fresh}.old`;
  await rename(directory, old).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
  await rename(fresh, directory);
  await rm(old, { recursive: true, force: true });
}
