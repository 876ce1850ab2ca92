import { chmod, copyFile, glob, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { copyPackages } from './native.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What the image runs: the bundle's name and the source it starts at. */
export const ENTRIES: Readonly<Record<string, string>> = {
  main: 'src/main.ts',
  runner: 'src/runner.ts',
  'photo-child': 'src/photo/child.ts',
};

/** SQL that `migrate` reads at run time; it keeps its paths below `dist/sql`. */
const SQL = ['migrations/*.sql', 'src/*/functions/*.sql'];

/** Packages with a native library, which no bundler can take in. */
const NATIVE = ['sharp'];

// Bundled CommonJS asks for Node's own modules with require, which an ES module does not have.
// The first line makes each bundle a command of its own where it is executable, without a shell in between.
// The two warnings are about grammY's HTTP client; nobody who runs us can do anything about them.
const HEAD = `#!/usr/bin/env -S node --disable-warning=DEP0040 --disable-warning=DEP0169
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

/** One file that was written: its path below `dist`, and its size. */
export type Built = { readonly file: string; readonly bytes: number };

/** Where the bundles go, and whether what cannot be bundled goes with them. */
export type Bundling = {
  /** `dist` of the checkout by default. */
  readonly directory?: string;
  /** Whether `node_modules` with the native packages is put beside them, as in the image. */
  readonly native?: boolean;
};

/**
 * Bundles the program, so that it runs without node_modules except the native packages. The whole folder appears at
 * once: a reader never sees half of it.
 */
export async function buildBundles({
  directory = join(ROOT, 'dist'),
  native = false,
}: Bundling = {}): Promise<Built[]> {
  const fresh = `${directory}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  const bundles = await bundle(fresh);
  const sql = await copySql(fresh);
  if (native) await copyPackages(NATIVE, join(ROOT, 'node_modules'), join(fresh, 'node_modules'));
  await replace(directory, fresh);
  const files = [...bundles, ...sql].sort();
  return Promise.all(files.map(async (file) => ({ file, bytes: (await stat(join(directory, file))).size })));
}

async function bundle(outdir: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { ...ENTRIES },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: HEAD },
    // grammY's HTTP client knows an abort signal by its class's name, and a bundler renames classes that clash.
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'external',
    external: [...NATIVE, 'pg-native'],
    metafile: true,
    logLevel: 'warning',
  });
  const files = Object.keys(metafile.outputs).map((file) => relative(outdir, join(ROOT, file)));
  const bundles = files.filter((file) => file.endsWith('.mjs'));
  for (const file of bundles) await chmod(join(outdir, file), 0o755);
  return bundles;
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
