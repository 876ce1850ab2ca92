import type { FailureClass } from './classes.ts';

/** What came back from one Bot API call. */
export type TelegramSighting = {
  readonly httpStatus?: number | undefined;
  /** `error_code`, `description` and `parameters.retry_after` of the answer. */
  readonly errorCode?: number | undefined;
  readonly description?: string | undefined;
  readonly retryAfter?: number | undefined;
  /** The system's code (`ECONNREFUSED`) or any word for a call without an answer. */
  readonly networkError?: string | undefined;
};

export type TelegramMeaning = 'done' | 'refused' | 'retry-later' | 'unreachable' | 'missing-message' | 'unknown';

export type TelegramVerdict = {
  readonly class: FailureClass;
  /**
   * Whether this very call is known to have changed nothing or to be done already: a definite answer to it, or a call that
   * surely never left us. False means that it may have worked.
   */
  readonly answered: boolean;
  readonly meaning: TelegramMeaning;
  readonly retryAfterSeconds?: number;
};

type Rule = {
  readonly pattern: RegExp;
  readonly class: FailureClass;
  readonly meaning: TelegramMeaning;
  readonly retryAfterSeconds?: number;
};

/** Descriptions of 400, 403 and 413, in the order they are tried. From core.telegram.org and the server's published source. */
const rules: readonly Rule[] = [
  // The edit is in place: an earlier try of ours worked.
  { pattern: /message is not modified/i, class: 'delivery-network', meaning: 'done' },
  // So are the Stars of this payment.
  { pattern: /CHARGE_ALREADY_REFUNDED/, class: 'delivery-network', meaning: 'done' },
  {
    pattern: /message to (edit|delete|reply|be replied) not found/i,
    class: 'delivery-file',
    meaning: 'missing-message',
  },
  { pattern: /message can't be edited|MESSAGE_ID_INVALID/i, class: 'delivery-file', meaning: 'missing-message' },
  // Seen to pass by itself, unlike a block.
  { pattern: /bot can't send messages/i, class: 'delivery-blocked', meaning: 'retry-later', retryAfterSeconds: 60 },
  {
    pattern: /blocked by the user|can't initiate conversation|was kicked/i,
    class: 'delivery-blocked',
    meaning: 'unreachable',
  },
  {
    pattern: /user is deactivated|chat not found|user not found|PEER_ID_INVALID/i,
    class: 'delivery-gone',
    meaning: 'unreachable',
  },
  { pattern: /file is too big|entity too large/i, class: 'delivery-size', meaning: 'refused' },
  {
    pattern: /file identifier|remote file|HTTP URL content|MEDIA_|VIDEO_|file must be non-empty/i,
    class: 'delivery-file',
    meaning: 'refused',
  },
];

/**
 * Errors that come before a byte of the request has left us. OpenSSL's own (`ERR_SSL_...`: a bad record, an alert) may also come in the
 * middle of a connection, after the request was read: they say nothing.
 */
const neverSent =
  /^(?!ERR_SSL_).*(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT|ERR_TLS_|CONNECT_TIMEOUT)/i;

/** Says what an answer of the Bot API, or the lack of one, means for a delivery. */
export function classifyTelegram(seen: TelegramSighting): TelegramVerdict {
  if (seen.networkError !== undefined) {
    return neverSent.test(seen.networkError) ? notNow('delivery-network', 1) : unknown;
  }
  const code = seen.errorCode ?? seen.httpStatus ?? 0;
  const description = seen.description ?? '';
  if (code === 429) return notNow('delivery-flood', seen.retryAfter ?? 1);
  // An answer without the Bot API's own words came from something in front of it, which does not know what happened behind.
  if (seen.errorCode === undefined && seen.httpStatus !== 413) return unknown;
  if (code >= 500 || code < 400) return unknown;
  if (code === 401 || code === 404) return notNow('delivery-token', 60);
  if (code === 409) return notNow('delivery-network', 5);
  const rule = rules.find((each) => each.pattern.test(description));
  if (rule !== undefined) {
    const { class: failure, meaning, retryAfterSeconds } = rule;
    return {
      class: failure,
      answered: true,
      meaning,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    };
  }
  if (code === 413) return { class: 'delivery-size', answered: true, meaning: 'refused' };
  if (code === 403) return { class: 'delivery-blocked', answered: true, meaning: 'unreachable' };
  return { class: 'delivery-file', answered: true, meaning: 'refused' };
}

const unknown: TelegramVerdict = { class: 'delivery-network', answered: false, meaning: 'unknown' };

function notNow(failure: FailureClass, retryAfterSeconds: number): TelegramVerdict {
  return { class: failure, answered: true, meaning: 'retry-later', retryAfterSeconds };
}

/** What came of asking Telegram to return the Stars of a payment. */
export type RefundVerdict = 'done' | 'refused' | 'later';

/**
 * Refusals that no repetition changes: Telegram knows no such payment, or no such person. Any other "no" (too few Stars on the bot's
 * balance, a word we have not met) may pass, and only a sure one may give the credits back.
 */
const refundsRefused = /CHARGE_NOT_FOUND|CHARGE_ID_(EMPTY|INVALID)|USER_ID_INVALID|invalid user_id specified/;

/** Says what an answer to refundStarPayment, or the lack of one, means for the refund. */
export function classifyRefund(meaning: TelegramMeaning, description: string): RefundVerdict {
  if (meaning === 'done') return 'done';
  return meaning === 'refused' && refundsRefused.test(description) ? 'refused' : 'later';
}
