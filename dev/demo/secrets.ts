import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const secrets = z.object({
  telegramBotToken: z.string(),
  kieApiKey: z.string(),
  prompterApiKey: z.string(),
  macKey: z.string(),
});
export type Secrets = z.infer<typeof secrets>;

/** Keys of this demo alone: made once, kept beside its state, good for nothing but its own stand-ins. */
export function openSecrets(directory: string): Secrets {
  const path = join(directory, 'secrets.json');
  if (existsSync(path)) {
    const known = secrets.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (known.success) return known.data;
  }
  const made: Secrets = {
    telegramBotToken: `7000000001:${randomBytes(26).toString('base64url').slice(0, 35)}`,
    kieApiKey: randomBytes(16).toString('hex'),
    prompterApiKey: `sk-${randomBytes(20).toString('hex')}`,
    macKey: randomBytes(32).toString('hex'),
  };
  writeFileSync(path, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  return made;
}
