import type { TelegramClient } from '../telegram/client.ts';
import { TelegramError } from '../telegram/error.ts';

/** What stands before the code in the link: other links may come to begin with something else. */
export const referralPrefix = 'r_';

/** Makes the link by which somebody comes with a code. Our name is asked for once; while Telegram is away there is no link. */
export function createInvitation(telegram: Pick<TelegramClient, 'username'>): (code: string) => Promise<string | null> {
  let name: string | undefined;
  return async (code) => {
    try {
      name ??= await telegram.username();
    } catch (error) {
      if (!(error instanceof TelegramError)) throw error;
      return null;
    }
    return `https://t.me/${name}?start=${referralPrefix}${code}`;
  };
}
