import type { Random } from './random.ts';

/** What can be done to one effect. The first four are everybody's; the rest belong to some doors only. */
export type Misdeed =
  | 'before'
  | 'after'
  | 'delayed'
  | 'twice'
  | 'kill before'
  | 'kill after'
  | 'pause'
  /** The whole other side goes away at this moment, for a while. */
  | 'away'
  /** A definite no of the other side. */
  | 'refused'
  | 'busy'
  | 'conflict'
  | 'forgotten'
  | 'cut'
  | 'lost'
  | 'forged'
  | 'stale'
  | 'stuck'
  | 'jumped';

/** One decision of chance: what was done to the nth effect of a name, and for how long. */
export interface Decision {
  readonly effect: string;
  readonly nth: number;
  readonly misdeed: Misdeed;
  readonly ms: number;
}

export interface LuckOptions {
  /** How likely an effect is struck; one that the schedule looks at closely more often. */
  readonly rate: number;
  readonly focus: ReadonlySet<string>;
  /** Decisions at most. */
  readonly limit: number;
}

/**
 * Decides what happens to every effect: at random while it draws, or by a list of decisions that an earlier run drew. What it
 * decided is kept, so that any subset of it can be played again.
 */
export class Luck {
  readonly decisions: Decision[] = [];
  /** Effects that came, by name. */
  readonly counts = new Map<string, number>();
  readonly #random: Random;
  readonly #options: LuckOptions | undefined;
  readonly #plan = new Map<string, Decision>();
  #quiet = false;

  constructor(random: Random, how: LuckOptions | readonly Decision[]) {
    this.#random = random;
    if ('rate' in how) this.#options = how;
    else for (const decision of how) this.#plan.set(`${decision.effect}#${decision.nth}`, decision);
  }

  /** From now on nothing more is struck. */
  beQuiet(): void {
    this.#quiet = true;
  }

  draw(effect: string, misdeeds: readonly Misdeed[]): Decision | undefined {
    const nth = (this.counts.get(effect) ?? 0) + 1;
    this.counts.set(effect, nth);
    const decision =
      this.#options === undefined ? this.#plan.get(`${effect}#${nth}`) : this.#roll(effect, nth, misdeeds);
    if (decision !== undefined) this.decisions.push(decision);
    return decision;
  }

  #roll(effect: string, nth: number, misdeeds: readonly Misdeed[]): Decision | undefined {
    const { rate, focus, limit } = this.#options ?? { rate: 0, focus: new Set<string>(), limit: 0 };
    if (this.#quiet || this.decisions.length >= limit) return undefined;
    if (!this.#random.chance(focus.has(effect) ? 0.35 : rate)) return undefined;
    const misdeed = misdeeds[this.#random.between(0, misdeeds.length - 1)];
    if (misdeed === undefined) return undefined;
    // Most delays are short, some are longer than any lease.
    const ms = Math.round(10 ** (1 + this.#random.fraction() * 4.3));
    return { effect, nth, misdeed, ms };
  }
}
