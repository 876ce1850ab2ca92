import { randomInt } from 'node:crypto';

export type CallbackAnswer = { readonly text?: string; readonly show_alert?: boolean; readonly url?: string };

type Pending = { readonly chat: number; readonly since: number; answer(answer: CallbackAnswer): void };

/** How long a press can still be answered. */
const lifetime = 60_000;

/** Button presses that the bot has not answered. They do not outlive a restart, as a client's spinner would not. */
export class Callbacks {
  readonly #pending = new Map<string, Pending>();

  /** A new press: its id and the promise of the bot's answer, which may never come. */
  open(chat: number): { readonly id: string; readonly answered: Promise<CallbackAnswer> } {
    const id = `${randomInt(1, 2 ** 32)}${randomInt(2 ** 32)}`;
    const answered = new Promise<CallbackAnswer>((resolve) => {
      this.#pending.set(id, { chat, since: Date.now(), answer: resolve });
    });
    return { id, answered };
  }

  chatOf(id: string): number | undefined {
    return this.#pending.get(id)?.chat;
  }

  /** Takes a press that can still be answered; undefined when it is unknown, answered or too old. */
  take(id: string): Pending | undefined {
    const found = this.#pending.get(id);
    this.#pending.delete(id);
    return found !== undefined && Date.now() - found.since < lifetime ? found : undefined;
  }
}
