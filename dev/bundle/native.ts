import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const packageJson = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

/**
 * Copies packages that cannot be bundled, with all they need at run time, from one node_modules to another.
 *
 * @param from the node_modules to read; optional packages of other platforms are not in it and are left out
 * @returns the names of the packages that were copied
 */
export async function copyPackages(names: readonly string[], from: string, to: string): Promise<string[]> {
  const copied = new Set<string>();
  const waiting = [...names];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const source = join(from, name);
    const text = await readFile(join(source, 'package.json'), 'utf8').catch(() => undefined);
    if (text === undefined || copied.has(name)) continue;
    const { dependencies, optionalDependencies } = packageJson.parse(JSON.parse(text));
    await mkdir(join(to, name), { recursive: true });
    await cp(source, join(to, name), { recursive: true });
    copied.add(name);
    waiting.push(...Object.keys(dependencies), ...Object.keys(optionalDependencies));
  }
  const missing = names.filter((name) => !copied.has(name));
  if (missing.length > 0) throw new Error(`${from} holds no ${missing.join(', ')}; run npm ci first.`);
  return [...copied].sort();
}
