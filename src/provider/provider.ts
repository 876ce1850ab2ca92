import type { FailureClass } from '../failure/classes.ts';

export type AspectRatio = '9:16' | '16:9' | '1:1';

export type SubmitRequest = {
  readonly model: string;
  readonly prompt: string;
  /** A URL the provider can read, as returned by `uploadPhoto`. */
  readonly imageUrl: string;
  readonly seconds: number;
  readonly aspectRatio: AspectRatio;
  readonly audio: boolean;
  /** Left out where the provider cannot reach us. */
  readonly callbackUrl?: string;
};

/**
 * What came of one paid submit. 'refused' is said only when surely no task was made; 'unknown' means a task may run,
 * and such a submit must never be repeated.
 */
export type SubmitResult =
  | { readonly kind: 'accepted'; readonly taskId: string }
  | {
      readonly kind: 'refused';
      readonly failure: FailureClass;
      readonly certain: true;
      /** Our own sentence, without prompt, key or URL. */
      readonly message: string;
      readonly retryAfterSeconds?: number;
    }
  | { readonly kind: 'unknown'; readonly failure: FailureClass };

export type PollResult =
  /** `state` is the provider's own word, bounded; an unknown word counts as running. */
  | { readonly kind: 'running'; readonly state: string }
  | { readonly kind: 'succeeded'; readonly urls: readonly string[]; readonly creditsConsumed?: number }
  | {
      readonly kind: 'failed';
      readonly failure: FailureClass;
      readonly code: string;
      /** The provider's words, at most 300 characters: for the database and support, never for the person. */
      readonly providerMessage: string;
    }
  /** The provider does not know the task (yet): grace first, then lost. */
  | { readonly kind: 'unseen' }
  /** This look failed; it says nothing about the task. */
  | { readonly kind: 'unavailable'; readonly failure: FailureClass; readonly retryAfterSeconds?: number };

/** Whether the provider's record of a task names this callback URL; 'unknown' when the record could not be read. */
export type CallbackEcho = 'yes' | 'no' | 'unknown';

export type UploadedPhoto = { readonly url: string; readonly expiresAt?: Date };

/** One AI video provider. No method retries by itself; every method honours its signal. */
export type VideoProvider = {
  readonly name: string;
  /** Free and repeatable. Throws `ProviderError`. */
  uploadPhoto(bytes: Uint8Array, mime: string, name: string, signal: AbortSignal): Promise<UploadedPhoto>;
  /** One paid POST, never repeated inside. Does not throw for anything the provider or the network does. */
  submit(request: SubmitRequest, signal: AbortSignal): Promise<SubmitResult>;
  /** One look at a task. Does not throw for anything the provider or the network does. */
  poll(taskId: string, signal: AbortSignal): Promise<PollResult>;
  /** Proof that a task that turned up in a callback is ours. */
  echoesCallback(taskId: string, callbackUrl: string, signal: AbortSignal): Promise<CallbackEcho>;
  /** The bytes of a result, at most `maxBytes`, whole. Throws `ProviderError`. */
  download(url: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
};

/** A free call to the provider (upload, download) that failed; `reason` is its failure class. */
export class ProviderError extends Error {
  readonly reason: FailureClass;
  /** False when trying the same again cannot help (a result that is too big, gone or refused). */
  readonly retryable: boolean;
  /** True when the file host said that there is nothing (any more) at the address. */
  readonly gone: boolean;
  /** True when a download had begun and broke off: a flaky line, or a file that is not whole. */
  readonly cutShort: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    reason: FailureClass,
    message: string,
    options: {
      cause?: unknown;
      retryable?: boolean;
      gone?: boolean;
      cutShort?: boolean;
      retryAfterSeconds?: number | undefined;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProviderError';
    this.reason = reason;
    this.retryable = options.retryable ?? true;
    this.gone = options.gone ?? false;
    this.cutShort = options.cutShort ?? false;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
