import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environments } from './environments.ts';

/** Writes `.demo/env/<part>.env`, for `node --env-file=.demo/env/bot.env src/main.ts bot` under a debugger. */
export function writeEnvironmentFiles(directory: string, environments: Environments): void {
  const folder = join(directory, 'env');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [part, env] of Object.entries(environments)) {
    const lines = Object.entries<string>(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    writeFileSync(join(folder, `${part}.env`), `${lines.join('\n')}\n`, { mode: 0o600 });
  }
}
