import type { Callbacks } from './callbacks.ts';
import type { Checkouts } from './checkouts.ts';
import type { Events } from './events.ts';
import type { Faults } from './faults.ts';
import type { FileRoom } from './files.ts';
import type { OpenCall } from './journal.ts';
import type { Parameters } from './parameters.ts';
import type { Store } from './store.ts';
import type { UpdateQueue } from './updates.ts';
import type { BotIdentity } from './views.ts';

/** The parts of the running stand-in, as its methods and its control interface use them. */
export type Telegram = {
  readonly store: Store;
  readonly files: FileRoom;
  readonly updates: UpdateQueue;
  readonly callbacks: Callbacks;
  readonly checkouts: Checkouts;
  readonly events: Events;
  readonly faults: Faults;
  readonly bot: BotIdentity;
};

/** One Bot API call under way. */
export type Call = {
  readonly telegram: Telegram;
  readonly parameters: Parameters;
  readonly journal: OpenCall;
  /** Aborted when the caller went away. */
  readonly signal: AbortSignal;
};

/** Carries out a call; what it returns is the `result` of the answer. Throws a `Refusal` to answer an error. */
export type Method = (call: Call) => unknown;

/** Now, in the whole Unix seconds that Telegram dates things with. */
export function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}
