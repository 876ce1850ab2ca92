/**
 * The Bot API says no: `{"ok":false,"error_code":...,"description":...}`. Codes and sentences are those of
 * tdlib/telegram-bot-api (Client.cpp), which runs behind api.telegram.org.
 */
export class Refusal extends Error {
  readonly reason = 'BotApiRefusal';
  readonly code: number;
  readonly retryAfter: number | undefined;

  constructor(code: number, description: string, retryAfter?: number) {
    super(description);
    this.name = 'Refusal';
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export function badRequest(text: string): Refusal {
  return new Refusal(400, text.startsWith('Bad Request') ? text : `Bad Request: ${text}`);
}

export function tooManyRequests(seconds: number): Refusal {
  return new Refusal(429, `Too Many Requests: retry after ${seconds}`, seconds);
}

export const blockedByUser = (): Refusal => new Refusal(403, 'Forbidden: bot was blocked by the user');

/** The caller of the control interface asked for something that cannot be done. */
export class ControlError extends Error {
  readonly reason = 'ControlRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ControlError';
    this.status = status;
  }
}
