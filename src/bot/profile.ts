import { createHash } from 'node:crypto';
import type { Database } from '../postgres/call.ts';
import type { TelegramClient } from '../telegram/client.ts';
import { LANGUAGES } from '../texts/language.ts';
import { textsIn } from '../texts/texts.ts';
import { isNewProfile, recordProfile } from './receiver-lease.ts';

/** Tells Telegram the commands and the description, once after they have changed: at every start it would answer 429. */
export async function setProfile(database: Database, telegram: TelegramClient): Promise<void> {
  const profiles = LANGUAGES.map((language) => {
    const { commands, description } = textsIn(language);
    return {
      language,
      description,
      commands: Object.entries(commands).map(([command, words]) => ({ command, description: words })),
    };
  });
  const hash = createHash('sha256').update(JSON.stringify(profiles)).digest('hex');
  if (!(await isNewProfile(database, hash))) return;
  for (const { language, commands, description } of profiles) {
    // English is also what everybody else sees.
    const target = language === 'en' ? undefined : language;
    await telegram.setCommands(commands, target);
    await telegram.setDescription(description, target);
  }
  await recordProfile(database, hash);
}
