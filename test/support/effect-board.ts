import type { Ends } from './peer-process.ts';
import { processBehind } from './peer-process.ts';

export type Boundary = 'api' | 'postgres' | 'kie' | 'telegram' | 'completions';
export type Maker = 'bot' | 'controller' | 'generate' | 'deliver';

/** One call of one of our processes across the border to somebody else. */
export interface Effect {
  /** In the order in which they were asked for. */
  readonly seq: number;
  readonly boundary: Boundary;
  readonly maker: Maker;
  /** Verb and resource, function, method: without names, versions and times. */
  readonly operation: string;
  /** What was sent, to look for the names of orders in it. */
  readonly request: string;
}

/** An effect before it is forwarded, or with its reply before its maker hears it. */
export interface Passage {
  readonly effect: Effect;
  readonly moment: 'before' | 'after';
  readonly reply: string;
  /** The process that made it. */
  maker(): number | undefined;
  /** Sends the same bytes to the same side once more, by another way. Answers what came back. */
  again(): Promise<string>;
}

export type Verdict =
  | { readonly kind: 'pass' }
  /** The connection breaks; what was not forwarded is never forwarded. */
  | { readonly kind: 'cut' }
  /** Forwarded although its maker has gone. */
  | { readonly kind: 'late' }
  | { readonly kind: 'answer'; readonly status: number; readonly body: object; readonly retryAfter?: number };

/** Where an effect comes from. */
export interface Origin {
  readonly ends: Ends;
  readonly again: () => Promise<string>;
}

/** Decides about a passage; undefined when it is none of its business. */
export type Guard = (passage: Passage) => Promise<Verdict> | Verdict | undefined;
export type Witness = (passage: Passage) => void;

const pass: Verdict = { kind: 'pass' };

/** Where every gate of one system asks what to do with the effects that pass it. */
export class EffectBoard {
  readonly #guards = new Set<Guard>();
  readonly #witnesses = new Set<Witness>();
  #seq = 0;

  begin(effect: Omit<Effect, 'seq'>): Effect {
    this.#seq += 1;
    return { seq: this.#seq, ...effect };
  }

  async ask(effect: Effect, moment: Passage['moment'], { ends, again }: Origin, reply = ''): Promise<Verdict> {
    const passage: Passage = { effect, moment, reply, again, maker: () => processBehind(ends) };
    for (const witness of this.#witnesses) witness(passage);
    for (const guard of this.#guards) {
      const verdict = await guard(passage);
      if (verdict !== undefined) return verdict;
    }
    return pass;
  }

  /** Answers what takes it away again. */
  guard(guard: Guard): () => void {
    this.#guards.add(guard);
    return () => this.#guards.delete(guard);
  }

  witness(witness: Witness): () => void {
    this.#witnesses.add(witness);
    return () => this.#witnesses.delete(witness);
  }
}
