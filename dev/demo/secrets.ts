import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const secrets = z.object({
  telegramBotToken: z.string(),
  kieApiKey: z.string(),
  prompterApiKey: z.string(),
  macKey: z.string(),
  identityPepper: z.string(),
});
export type Secrets = z.infer<typeof secrets>;

/** Keys of this demo alone: made once, kept beside its state, good for nothing but its own stand-ins. */
export function openSecrets(directory: string): Secrets {
  const path = join(directory, 'secrets.json');
  const known = secrets.partial().safeParse(existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {});
  // What an older demo did not have yet is added; what its state depends on stays.
  const all = secrets.parse({ ...newSecrets(), ...known.data });
  writeFileSync(path, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
  return all;
}

function newSecrets(): Secrets {
  return {
    telegramBotToken: `7000000001:${randomBytes(26).toString('base64url').slice(0, 35)}`,
    kieApiKey: randomBytes(16).toString('hex'),
    prompterApiKey: `sk-${randomBytes(20).toString('hex')}`,
    macKey: randomBytes(32).toString('hex'),
    identityPepper: randomBytes(32).toString('hex'),
  };
}
