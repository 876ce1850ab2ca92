// Plays its share of the mutants of effects, and tells one line of JSON for each. A process of its own: the simulation takes over time.
import { play } from '../../simulation/play.ts';
import { type Schedule, scheduleOf, type WorkloadName } from '../../simulation/schedule.ts';
import { type EffectMutant, type EffectVerdict, effectMutantsOf, shareSchema } from './effect-mutant.ts';

/**
 * Workloads in which nobody but the bot, the controller and the runners does anything after the taps: how they end depends on no
 * coincidence, so a mutant that makes them end otherwise has done something.
 */
const STEADY: readonly WorkloadName[] = [
  ...(['happy', 'failing', 'refused by the provider', 'never answered', 'double tap', 'group'] as const),
];
/** Ends that come so much later than without the mutant are late. */
const LATE_SECONDS = 60;
/** Schedules with bad luck in which every mutant is played; without one they are all in order. */
const SCHEDULES = 120;

/** One that nothing strikes. */
function lucky(workload: WorkloadName, seed: number): Schedule {
  return { ...scheduleOf(seed, workload), acts: [], luck: [] };
}

/** So often a process is killed behind the effect that follows the changed one, in so many kinds of runs. */
const KILLS = { nth: [1, 2, 3], workloads: ['happy', 'failing', 'group'] } as const;

class Trial {
  readonly #seed: number;
  /** Which effects come next in the same process. */
  readonly #successors = new Map<string, Set<string>>();
  readonly #steady: readonly {
    readonly schedule: Schedule;
    readonly ending: readonly string[];
    readonly seconds: number;
  }[];
  readonly effects: readonly string[];

  constructor(seed: number) {
    this.#seed = seed;
    const names = new Set<string>();
    this.#steady = STEADY.map((workload) => {
      const schedule = lucky(workload, seed);
      const { ending = [], findings, journal = [], virtualSeconds } = play(schedule, { ending: true, journal: true });
      const [finding] = findings;
      if (finding !== undefined) throw new Error(`the simulation is red without a mutant: ${finding.text}`);
      this.#remember(journal);
      for (const { effect } of journal) names.add(effect);
      return { schedule, ending, seconds: virtualSeconds };
    });
    this.effects = [...names];
  }

  #remember(journal: readonly { effect: string; process: string }[]): void {
    const last = new Map<string, string>();
    for (const { effect, process } of journal) {
      const before = last.get(process);
      if (before !== undefined && before !== effect) {
        this.#successors.set(before, (this.#successors.get(before) ?? new Set()).add(effect));
      }
      last.set(process, effect);
    }
  }

  /** The process dies between the changed effect and what it was exchanged with. */
  #killedBehind(effect: string): { schedule: Schedule; death: string }[] {
    return [...(this.#successors.get(effect) ?? [])].flatMap((successor) =>
      KILLS.workloads.flatMap((workload) =>
        KILLS.nth.map((nth) => ({
          schedule: {
            ...lucky(workload, this.#seed),
            luck: [{ effect: successor, nth, misdeed: 'kill after' as const, ms: 10 }],
          },
          death: `"${workload}" of seed ${this.#seed}, killed after ${successor} #${nth}`,
        })),
      ),
    );
  }

  /** Throws where the schedules are not all in order without any mutant. */
  check(): void {
    for (let index = 0; index < SCHEDULES; index += 1) {
      const [finding] = play(scheduleOf(this.#seed + index)).findings;
      if (finding !== undefined) throw new Error(`seed ${this.#seed + index} is red without a mutant: ${finding.text}`);
    }
  }

  try(mutant: EffectMutant): EffectVerdict {
    const { name } = mutant;
    const tampering = { how: mutant.way, effect: mutant.effect };
    for (const { schedule, ending, seconds } of this.#steady) {
      const played = play(schedule, { tampering, ending: true });
      const of = `the lucky run "${schedule.workload}" of seed ${this.#seed}`;
      const [finding] = played.findings;
      if (finding !== undefined) return { name, caughtBy: `${finding.oracle}, in ${of}: ${finding.text}` };
      const { ending: other = [] } = played;
      const at = ending.findIndex((line, index) => line !== other[index]);
      if (at >= 0) return { name, caughtBy: `differential, in ${of}: "${other[at]}" instead of "${ending[at]}"` };
      if (played.virtualSeconds > seconds + LATE_SECONDS) {
        const late = Math.round(played.virtualSeconds - seconds);
        return { name, caughtBy: `differential, in ${of}: everything is over ${late} s later` };
      }
    }
    for (const { schedule, death } of this.#killedBehind(mutant.effect)) {
      const [finding] = play(schedule, { tampering }).findings;
      if (finding === undefined || play(schedule).findings.length > 0) continue;
      return { name, caughtBy: `${finding.oracle}, in ${death}: ${finding.text}` };
    }
    for (let index = 0; index < SCHEDULES; index += 1) {
      const [finding] = play(scheduleOf(this.#seed + index), { tampering }).findings;
      if (finding !== undefined)
        return { name, caughtBy: `seed ${this.#seed + index}: ${finding.oracle}: ${finding.text}` };
    }
    return { name, caughtBy: null, tried: SCHEDULES };
  }
}

function main(): void {
  Error.stackTraceLimit = 0;
  const { seed, names, list } = shareSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
  const trial = new Trial(seed);
  const mutants = effectMutantsOf(trial.effects);
  if (list) {
    console.log(JSON.stringify(mutants));
    return;
  }
  trial.check();
  for (const mutant of mutants) {
    if (names.includes(mutant.name)) process.stdout.write(`${JSON.stringify(trial.try(mutant))}\n`);
  }
}

// Not in a promise: microtasks are drained by hand, which Node allows only outside of them.
setImmediate(main);
