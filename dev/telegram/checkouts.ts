import { randomInt } from 'node:crypto';

/** What came of a payment that a person started. */
export type CheckoutEnd =
  | { readonly kind: 'paid'; readonly charge_id: string; readonly message_id: number }
  | { readonly kind: 'refused'; readonly error_message: string }
  | { readonly kind: 'timeout' };

/** What has to be known to finish the payment when the bot says ok. */
export type Checkout = {
  readonly chat: number;
  /** Where the invoice is: a message, or a link. */
  readonly message_id?: number;
  readonly slug?: string;
  /** Do not tell the bot by an update that it was paid. */
  readonly lose: boolean;
  end(end: CheckoutEnd): void;
};

/** Telegram gives a bot this long to answer a pre_checkout_query. */
export const answerMilliseconds = 10_000;

/** Payments that wait for the bot's answerPreCheckoutQuery. */
export class Checkouts {
  readonly #pending = new Map<string, Checkout>();

  open(checkout: Omit<Checkout, 'end'>): { readonly id: string; readonly ended: Promise<CheckoutEnd> } {
    const id = `${randomInt(1, 2 ** 32)}${randomInt(2 ** 32)}`;
    const ended = new Promise<CheckoutEnd>((resolve) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        resolve({ kind: 'timeout' });
      }, answerMilliseconds);
      timer.unref();
      this.#pending.set(id, {
        ...checkout,
        end: (end) => {
          clearTimeout(timer);
          resolve(end);
        },
      });
    });
    return { id, ended };
  }

  chatOf(id: string): number | undefined {
    return this.#pending.get(id)?.chat;
  }

  /** Takes a payment that still waits; undefined after the 10 seconds. */
  take(id: string): Checkout | undefined {
    const found = this.#pending.get(id);
    this.#pending.delete(id);
    return found;
  }
}
