import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { z } from 'zod';
import { cacheDirectory } from '../places.ts';

export type Launched =
  | { readonly browser: Browser; readonly program: string }
  | { readonly browser: undefined; readonly reason: string };

type Program = { readonly path: string; readonly env: Readonly<Record<string, string>> };

const systemPrograms = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * Starts a headless Chromium: the system's, else the one from npm (`@sparticuz/chromium`, x64 only; about 3 s the first
 * time on a machine, which unpacks it into the cache). It plays H.264. The caller closes the browser.
 * @returns the browser, or why there is none, for a test to skip with
 */
export async function launchChromium(): Promise<Launched> {
  try {
    const program = systemProgram() ?? (await packagedProgram());
    const { chromium } = await import('playwright-core');
    const browser = await chromium.launch({
      executablePath: program.path,
      // The package's own list of flags has --single-process, with which closing a second page ends the browser.
      args: ['--no-sandbox', '--disable-gpu'],
      chromiumSandbox: false,
      env: { ...environment(), ...program.env },
    });
    return { browser, program: program.path };
  } catch (error) {
    const words = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { browser: undefined, reason: `no headless Chromium here: ${words}` };
  }
}

function systemProgram(): Program | undefined {
  const path = systemPrograms.find((each) => existsSync(each));
  return path === undefined ? undefined : { path, env: {} };
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

async function packagedProgram(): Promise<Program> {
  if (process.arch !== 'x64') throw new Error(`@sparticuz/chromium has no ${process.arch} build; install chromium`);
  const folder = join(cacheDirectory(), `chromium-${await packageVersion()}`);
  if (!existsSync(folder)) await unpack(folder);
  return {
    path: join(folder, 'chromium'),
    env: {
      FONTCONFIG_PATH: join(folder, 'fontconfig'),
      // NSS, NSPR and expat, which a bare machine lacks, lie in the package.
      LD_LIBRARY_PATH: [join(folder, 'al2023', 'lib'), process.env['LD_LIBRARY_PATH'] ?? ''].filter(Boolean).join(':'),
    },
  };
}

const packageFile = z.object({ version: z.string() });

async function packageVersion(): Promise<string> {
  const file = join(packageFolder(), 'package.json');
  return packageFile.parse(JSON.parse(await readFile(file, 'utf8'))).version;
}

function packageFolder(): string {
  return join(createRequire(import.meta.url).resolve('@sparticuz/chromium'), '..', '..');
}

/** Unpacks beside the place and renames, so that two tests starting together never run a half-written program. */
async function unpack(folder: string): Promise<void> {
  const beside = `${folder}.${randomUUID()}`;
  await mkdir(beside, { recursive: true });
  // The package unpacks into os.tmpdir() and trusts whatever lies there already: it gets a folder of its own.
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = beside;
  try {
    const { default: chromium, inflate } = await import('@sparticuz/chromium');
    await chromium.executablePath();
    await inflate(join(packageFolder(), 'bin', 'al2023.tar.br'));
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
  await mkdir(join(beside, 'fontconfig'));
  await writeFile(join(beside, 'fontconfig', 'fonts.conf'), fontsConfiguration(folder));
  await rename(beside, folder).catch(async (error: unknown) => {
    await rm(beside, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
}

/** The package's own file names a folder under /tmp that does not exist, and then no text is drawn at all. */
function fontsConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>${join(folder, 'fonts', 'fonts')}</dir>
  <dir>${join(folder, 'fonts')}</dir>
  <cachedir>${join(folder, 'fontcache')}</cachedir>
  <alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
  <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
`;
}
