import { KubeError } from '../../src/kube/error.ts';
import { DatabaseError } from '../../src/postgres/errors.ts';
import { ProviderError } from '../../src/provider/provider.ts';
import { StorageError } from '../../src/storage/storage.ts';
import { TelegramError } from '../../src/telegram/error.ts';
import { VideoJobParseError } from '../../src/videojob/parse.ts';

/** Why an error is no trouble of the outside that the product knows a name for; null when it is. */
export function classified(error: unknown): string | null {
  if (error instanceof DatabaseError) {
    const isOurs = error.reason === 'Refused' || error.reason === 'Other' || error.reason === 'Forbidden';
    return isOurs ? `the database refused what no code of ours may ask for: ${error.message}` : null;
  }
  if (error instanceof KubeError || error instanceof ProviderError) return null;
  if (error instanceof StorageError || error instanceof TelegramError || error instanceof VideoJobParseError)
    return null;
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) return null;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
