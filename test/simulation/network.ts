import type { Fault, Step } from '../faults/crash-table.ts';
import type { Engine } from './engine.ts';
import type { Decision, Luck, Misdeed } from './luck.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';

export type Side = 'postgres' | 'api' | 'provider' | 'telegram' | 'storage' | 'prompter';

export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** One effect a process asks another side for. */
export interface Ask<T> {
  readonly process: Process;
  readonly side: Side;
  readonly effect: string;
  /** The order it is about, as far as the caller says. */
  readonly about?: string | undefined;
  readonly misdeeds: readonly Misdeed[];
  /** Done by the other side, at one instant. What it throws is its definite answer. */
  readonly perform: () => T;
  /** What the caller hears when nothing is known. */
  readonly lost: () => Outcome<T>;
  /** What the caller hears when surely nothing was sent; as `lost` where the door cannot tell. */
  readonly unsent?: (() => Outcome<T>) | undefined;
  /** A definite answer of the other side instead of the effect. */
  readonly instead?: ((decision: Decision) => Outcome<T>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** After so long the caller gives up. */
  readonly limitMs: number;
}

/** Something that was really struck, with what the crash table calls it. */
export interface StruckEffect {
  readonly at: number;
  readonly effect: string;
  readonly fault: Fault;
  readonly process: string;
  readonly about: string | undefined;
}

/** A change of the program for the sake of a test of the tests: one effect is left out, done twice, or done after the next one. */
export interface Tampering {
  readonly how: 'skip' | 'double' | 'swap';
  readonly effect: string;
}

/** A transaction that waits for its COMMIT. */
interface Transaction {
  readonly apply: () => void;
  readonly undo: () => void;
  /** The same statements in another transaction. */
  readonly again: () => void;
  readonly lost: () => unknown;
}

/** What the other sides can take back, so that an effect can be answered and not done. */
export type Undo = () => void;

const faultOf: Partial<Record<Misdeed, Fault>> = {
  ...{ before: 'before', after: 'after', delayed: 'delayed', twice: 'twice' },
  ...{ 'kill before': 'before', 'kill after': 'after', refused: 'refused', busy: 'refused', conflict: 'refused' },
  ...{ forgotten: 'forgotten', cut: 'before', lost: 'lost', forged: 'forged', stale: 'stale', jumped: 'jumped' },
};

/** What a dead process waits for. A promise of its own each time: one for all would keep everybody who ever waited for it. */
const never = (): Promise<never> => new Promise(() => undefined);

/** Everything between the processes and the other sides: where calls are lost, late, doubled, and where processes die. */
export class Network {
  readonly engine: Engine;
  readonly luck: Luck;
  readonly struck: StruckEffect[] = [];
  /** Requests that may still arrive. */
  flying = 0;
  /** Every effect that was performed, in order, where somebody wants to know. */
  journal: { effect: string; process: string; about: string | undefined }[] | undefined;
  readonly #random: Random;
  readonly #awayUntil = new Map<Side, number>();
  readonly #tampering: Tampering | undefined;
  readonly #undo: (side: Side) => () => Undo;
  readonly #held = new Map<Process, () => void>();
  /** Told of every performed effect, for faults that only two of them together are. */
  onPerformed: (ask: Pick<Ask<unknown>, 'effect' | 'about' | 'process'>, startedAt: number) => void = () => undefined;
  onAway: (ask: Pick<Ask<unknown>, 'effect' | 'about' | 'process' | 'side'>) => void = () => undefined;
  onStart: (ask: Pick<Ask<unknown>, 'effect' | 'about' | 'process'>) => void = () => undefined;

  constructor(
    engine: Engine,
    luck: Luck,
    random: Random,
    tampering: Tampering | undefined,
    undo: (side: Side) => () => Undo,
  ) {
    this.engine = engine;
    this.luck = luck;
    this.#random = random;
    this.#tampering = tampering;
    this.#undo = undo;
  }

  away(side: Side, ms: number): void {
    this.#awayUntil.set(side, Math.max(this.#awayUntil.get(side) ?? 0, this.engine.now + ms));
  }

  isAway(side: Side): boolean {
    return (this.#awayUntil.get(side) ?? 0) > this.engine.now;
  }

  strike(effect: string, fault: Fault, process: string, about?: string): void {
    this.struck.push({ at: this.engine.now, effect, fault, process, about });
  }

  /** Asks for an effect; what is heard, if anything, is the outcome. */
  ask<T>(ask: Ask<T>): Promise<T> {
    const { process, side, effect, about } = ask;
    if (!process.alive) return never();
    if (this.isAway(side)) {
      this.strike(effect, 'away', process.name, about);
      this.onAway(ask);
      return this.#hear(process, this.#latency(), () => (ask.unsent ?? ask.lost)());
    }
    const decision = this.luck.draw(effect, ask.misdeeds);
    this.onStart(ask);
    const startedAt = this.engine.now;
    if (decision === undefined) {
      return this.#hear(process, this.#latency(), () => this.#perform(ask, startedAt), ask);
    }
    const fault = faultOf[decision.misdeed];
    if (fault !== undefined) this.strike(effect, fault, process.name, about);
    return this.#struck(ask, decision, startedAt);
  }

  /** COMMIT of a transaction whose statements met nobody: it takes effect at this instant or never, and only its answer is late. */
  commit(
    about: Pick<Ask<void>, 'process' | 'effect' | 'about'>,
    { apply, undo, again, lost }: Transaction,
  ): Promise<void> {
    const { process, effect } = about;
    const later = (outcome: Outcome<void>): Promise<void> => this.#hear(process, this.#latency(), () => outcome);
    if (this.isAway('postgres')) {
      undo();
      this.strike(effect, 'away', process.name, about.about);
      return later({ error: lost() });
    }
    const decision = this.luck.draw(effect, ['before', 'after', 'kill before', 'kill after']);
    const fault = decision === undefined ? undefined : faultOf[decision.misdeed];
    if (fault !== undefined) this.strike(effect, fault, process.name, about.about);
    if (fault === 'before') undo();
    else {
      this.journal?.push({ effect, process: process.name, about: about.about });
      this.onPerformed(about, this.engine.now);
      if (this.#tampering?.effect === effect)
        this.#tamperedCommit(process, this.#tampering.how, { apply, undo, again });
      else {
        apply();
        this.#release(process);
      }
    }
    if (decision?.misdeed.startsWith('kill') === true) {
      process.kill();
      return never();
    }
    return later(fault === undefined ? { value: undefined } : { error: lost() });
  }

  #struck<T>(ask: Ask<T>, decision: Decision, startedAt: number): Promise<T> {
    const { process } = ask;
    const latency = this.#latency();
    switch (decision.misdeed) {
      case 'before':
        // Half of the time the caller can tell that nothing was sent.
        return this.#hear(process, latency, () => (decision.ms % 2 === 0 ? (ask.unsent ?? ask.lost)() : ask.lost()));
      case 'after':
        this.#fly(latency, () => this.#perform(ask, startedAt));
        return this.#hear(
          process,
          Math.min(ask.limitMs, latency + (decision.ms % 2 === 0 ? 5 : decision.ms)),
          ask.lost,
        );
      case 'delayed':
        return this.#delayed(ask, decision.ms, startedAt);
      case 'twice':
        this.#fly(latency + Math.min(decision.ms, 100_000), () => this.#perform(ask, startedAt));
        return this.#hear(process, latency, () => this.#perform(ask, startedAt), ask);
      case 'away':
        this.away(ask.side, Math.min(decision.ms, 40_000));
        this.strike(ask.effect, 'away', process.name, ask.about);
        this.onAway(ask);
        return this.#hear(process, latency, () => (ask.unsent ?? ask.lost)());
      case 'kill before':
        process.kill();
        return never();
      case 'kill after':
        this.#fly(latency, () => {
          this.#perform(ask, startedAt);
          process.kill();
        });
        return never();
      case 'pause':
        this.strike('pause', 'delayed', process.name, ask.about);
        process.pausedUntil = this.engine.now + 5_000 + Math.min(decision.ms * 4, 120_000);
        return this.#hear(process, latency, () => this.#perform(ask, startedAt), ask);
      default: {
        const { instead } = ask;
        if (instead === undefined) return this.#hear(process, latency, () => this.#perform(ask, startedAt), ask);
        return this.#hear(process, latency, () => instead(decision));
      }
    }
  }

  #delayed<T>(ask: Ask<T>, ms: number, startedAt: number): Promise<T> {
    const arrives = Math.max(1_000, Math.min(ms, 200_000));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let isHeard = false;
    const hear = (outcome: () => Outcome<T>): void => {
      if (isHeard) return;
      isHeard = true;
      settle(outcome(), resolve, reject);
    };
    this.#fly(arrives, () => {
      const outcome = this.#perform(ask, startedAt);
      this.engine.after(1, ask.process, () => hear(() => outcome));
    });
    this.engine.after(ask.limitMs, ask.process, () => hear(ask.lost));
    this.#onAbort(ask, () => hear(ask.lost));
    return promise;
  }

  /** A request that is on its way whatever becomes of its sender. */
  #fly(ms: number, arrive: () => void): void {
    this.flying += 1;
    this.engine.after(ms, null, () => {
      this.flying -= 1;
      arrive();
    });
  }

  #hear<T>(process: Process, ms: number, outcome: () => Outcome<T>, ask?: Ask<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const cancel = this.engine.after(ms, process, () => settle(outcome(), resolve, reject));
    if (ask !== undefined) {
      this.#onAbort(ask, () => {
        cancel();
        settle(ask.lost(), resolve, reject);
      });
    }
    return promise;
  }

  #onAbort<T>({ signal }: Ask<T>, act: () => void): void {
    signal?.addEventListener('abort', act, { once: true });
  }

  #perform<T>(ask: Ask<T>, startedAt: number): Outcome<T> {
    const { effect, process } = ask;
    this.journal?.push({ effect, process: process.name, about: ask.about });
    if (this.#tampering !== undefined) return this.#tampered(ask, this.#tampering, startedAt);
    this.onPerformed(ask, startedAt);
    return attempt(ask.perform);
  }

  #tampered<T>(ask: Ask<T>, { how, effect }: Tampering, startedAt: number): Outcome<T> {
    this.onPerformed(ask, startedAt);
    if (ask.effect !== effect) {
      const outcome = attempt(ask.perform);
      this.#release(ask.process);
      return outcome;
    }
    if (how === 'double') {
      const outcome = attempt(ask.perform);
      attempt(ask.perform);
      return outcome;
    }
    // It is answered as if it had been done, and is not (yet).
    const undo = this.#undo(ask.side)();
    const outcome = attempt(ask.perform);
    undo();
    if (how === 'swap') this.#held.set(ask.process, () => void attempt(ask.perform));
    return outcome;
  }

  #tamperedCommit(process: Process, how: Tampering['how'], { apply, undo, again }: Omit<Transaction, 'lost'>): void {
    if (how === 'double') {
      apply();
      again();
      return;
    }
    undo();
    if (how === 'swap') this.#held.set(process, again);
  }

  /** What was held back until this process's next effect was done: it is done a moment after it, unless the process dies in between. */
  #release(process: Process): void {
    const held = this.#held.get(process);
    if (held === undefined) return;
    this.#held.delete(process);
    this.engine.after(1, process, held);
  }

  #latency(): number {
    return 1 + this.#random.between(0, 14);
  }
}

function attempt<T>(perform: () => T): Outcome<T> {
  try {
    return { value: perform() };
  } catch (error) {
    return { error };
  }
}

function settle<T>(outcome: Outcome<T>, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  if ('error' in outcome) reject(outcome.error);
  else resolve(outcome.value);
}

/** Which step of the crash table an effect is. */
export const STEP_OF: Readonly<Record<string, Step>> = {
  inbox: 'inbox',
  'confirm updates': 'confirm updates',
  place_orders: 'place_orders',
  'answer the tap': 'answer the tap',
  'relay POST': 'relay POST',
  claim: 'claim',
  admit_waiting: 'admission',
  open_execution: 'open_execution',
  'generation Job': 'generation Job',
  lease_attempt: 'lease_attempt',
  begin_submit: 'begin_submit',
  createTask: 'createTask',
  answer_submit: 'answer_submit',
  'status mirror': 'status mirror',
  callback: 'callback',
  recordInfo: 'recordInfo',
  download: 'download',
  store: 'store',
  succeed_attempt: 'succeeded',
  'delivery Job': 'delivery Job',
  lease_delivery: 'lease_delivery',
  begin_edit: 'begin_edit',
  editMessageMedia: 'editMessageMedia',
  shown: 'shown',
  'Job end': 'Job end',
  close_order: 'close_order',
  cancel_order: 'cancel_order',
  cancel_claimed_order: 'cancel_order',
  take_notices: 'notices',
  end_notice: 'notices',
  sendMessage: 'notices',
  finalizer: 'finalizer',
  watch: 'watch',
  clocks: 'clocks',
};
