export type StoredObject = { readonly bytes: number; readonly storedAt: Date };

/**
 * Where photos and finished videos are kept, by key. A key is `[a-z0-9._-]+` segments joined by `/`.
 * An object is whole or absent, never partial; a put of the same key replaces it as a whole.
 */
export type ObjectStorage = {
  /** Returns once the bytes would survive a power cut. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Throws `StorageError` with reason 'not-found' when there is no such object. */
  get(key: string): Promise<Uint8Array>;
  /** `undefined` when there is no such object. */
  stat(key: string): Promise<StoredObject | undefined>;
  /** Idempotent. */
  remove(key: string): Promise<void>;
};

/** A storage on a mounted directory, whose objects are files. */
export type FileStorage = ObjectStorage & {
  /** The absolute path of an object's file, whether it exists or not. */
  path(key: string): string;
};

export class StorageError extends Error {
  readonly reason: 'bad-key' | 'not-found' | 'unwritable' | 'unreadable';

  constructor(reason: StorageError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StorageError';
    this.reason = reason;
  }
}
