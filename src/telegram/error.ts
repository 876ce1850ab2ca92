import type { FailureClass } from '../failure/classes.ts';
import { classifyTelegram, type TelegramMeaning, type TelegramSighting } from '../failure/telegram.ts';

/**
 * A Bot API call that did not answer "ok". It never carries the token, the URL or what was sent.
 * `meaning` says what is known of the call; only `unknown` may have worked.
 */
export class TelegramError extends Error {
  override readonly name = 'TelegramError';
  /** The failure class: closed, fit for a label. */
  readonly reason: FailureClass;
  readonly meaning: TelegramMeaning;
  readonly method: string;
  /** `error_code` of the answer; undefined when none came. */
  readonly status: number | undefined;
  readonly description: string;
  readonly retryAfterSeconds: number;

  constructor(method: string, seen: TelegramSighting) {
    const verdict = classifyTelegram(seen);
    const description = seen.description ?? seen.networkError ?? `HTTP ${seen.httpStatus ?? 'without status'}`;
    super(
      `Telegram ${method} failed (${seen.errorCode ?? 'no answer'}): ${description.slice(0, 200)}; ${remedy(verdict.meaning)}`,
    );
    this.reason = verdict.class;
    this.meaning = verdict.meaning;
    this.method = method;
    this.status = seen.errorCode;
    this.description = description;
    this.retryAfterSeconds = verdict.retryAfterSeconds ?? 0;
  }
}

function remedy(meaning: TelegramMeaning): string {
  switch (meaning) {
    case 'done':
      return 'an earlier call did it already';
    case 'retry-later':
      return 'it surely had no effect and may be repeated later';
    case 'unreachable':
      return 'this person cannot be written to at the moment';
    case 'missing-message':
      return 'the message is gone, a new one is needed';
    case 'refused':
      return 'repeating the same call will not help';
    case 'unknown':
      return 'it may or may not have had its effect';
  }
}
