import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { cacheDirectory } from '../places.ts';
import { writeAside } from './certificates.ts';
import { ETCD_VERSION, KUBERNETES_VERSION, PROGRAM_NAMES } from './versions.ts';

const MANIFEST = 'manifest.json';
const manifestFile = z.object({
  kubernetes: z.string(),
  etcd: z.string(),
  source: z.string(),
  files: z.record(z.enum(PROGRAM_NAMES), z.object({ sha256: z.string(), bytes: z.number() })),
});

/** Where the programs are kept between checkouts. */
export function programCache(): string {
  return join(cacheDirectory(), 'control-plane', KUBERNETES_VERSION);
}

/**
 * Compares every program with the checksum recorded when it was got.
 * @returns `absent`, `good`, or the sentence about what is damaged.
 */
export async function checkCache(directory: string): Promise<'absent' | 'good' | { damage: string }> {
  const manifest = readManifest(directory);
  if (manifest === undefined) return 'absent';
  if (manifest === 'unreadable') return { damage: `${join(directory, MANIFEST)} cannot be read` };
  if (manifest.kubernetes !== KUBERNETES_VERSION || manifest.etcd !== ETCD_VERSION) return 'absent';
  for (const name of PROGRAM_NAMES) {
    const path = join(directory, name);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    const expected = manifest.files[name];
    if (size === undefined) return { damage: `${path} is missing` };
    if (size !== expected.bytes || (await sha256(path)) !== expected.sha256) {
      return { damage: `${path} is not the file that was put there` };
    }
  }
  return 'good';
}

/** Records the checksums of the programs in `draft` and puts it in the place of the cache. */
export async function keepInCache(draft: string, directory: string, source: string): Promise<void> {
  const entries = await Promise.all(
    PROGRAM_NAMES.map(async (name) => {
      const path = join(draft, name);
      return [name, { sha256: await sha256(path), bytes: statSync(path).size }] as const;
    }),
  );
  const manifest = { kubernetes: KUBERNETES_VERSION, etcd: ETCD_VERSION, source, files: Object.fromEntries(entries) };
  writeAside(join(draft, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, 0o644);
  rmSync(directory, { recursive: true, force: true });
  renameSync(draft, directory);
}

/** The SHA-256 of a file, as lower-case hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

function readManifest(directory: string): z.infer<typeof manifestFile> | 'unreadable' | undefined {
  const path = join(directory, MANIFEST);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    return manifestFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return 'unreadable';
  }
}
