import type { Logger } from '../log/logger.ts';
import type { PhotoNormaliser } from '../photo/photo.ts';
import type { Database } from '../postgres/call.ts';
import type { ObjectStorage } from '../storage/storage.ts';
import type { TelegramClient } from '../telegram/client.ts';
import type { Offer } from './config.ts';
import type { IdentityOf } from './identity.ts';

/** What the bot works with. */
export interface Desk {
  /** The pool; what must commit together goes through a transaction's own. */
  database: Database;
  telegram: TelegramClient;
  storage: ObjectStorage;
  normalisePhoto: PhotoNormaliser;
  offer: Offer;
  contact: string;
  identityOf: IdentityOf;
  /** The link by which somebody comes with this code; null while Telegram has not said what we are called. */
  invitation: (code: string) => Promise<string | null>;
  log: Logger;
  /** Tells the API server that an order was cancelled; a mirror of what PostgreSQL knows, whose failure is only logged. */
  mirrorCancel: (orderId: string) => void;
}

/** Where an act takes place. */
export interface ActPlace {
  /** The transaction that also marks the update as decided. */
  transaction: Database;
  chatId: number;
  desk: Desk;
}
