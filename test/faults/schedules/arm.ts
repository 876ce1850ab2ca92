import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../../../dev/errors.ts';
import type { Maker, Passage, Verdict } from '../../support/effect-board.ts';
import type { WatchVerdict } from '../../support/kube-gate.ts';
import type { Strike } from '../crash-table.ts';
import { type Atom, atomName, type Killable, type Server } from './atom.ts';
import type { Play } from './play.ts';
import { isSamePassage, type NewsPoint, newsOf, type Point, stepOf } from './point.ts';
import { isOf } from './recording.ts';
import { refusal, standInFaults, standInStrikes, strikesOf } from './strikes.ts';

/** A fault that really struck. */
export interface Struck {
  readonly kind: Atom['kind'];
  readonly name: string;
  readonly at: number;
  /** What it is in the words of the crash table; several, one, or none that the table speaks of. */
  readonly strikes: readonly Strike[];
}

export interface Armed {
  readonly struck: Struck[];
  /** Whether something it did is still to be undone. */
  readonly isBusy: boolean;
  /** Resolves when all that it began is undone: parts run again, views are thawed. */
  idle(): Promise<void>;
  disarm(): Promise<void>;
}

type Undo = () => unknown;
type PointKind = 'kill' | 'cut' | 'refuse' | 'delay' | 'twice' | 'jump' | 'pause' | 'away' | 'kill-other';

/** Lays one fault in wait for the orders of a play. */
export async function arm(play: Play, atom: Atom): Promise<Armed> {
  const trap = new Trap(play, atom);
  await trap.lay();
  return trap;
}

class Trap implements Armed {
  readonly struck: Struck[] = [];
  readonly #play: Play;
  readonly #atom: Atom;
  readonly #works = new Set<Promise<unknown>>();
  readonly #undo: Undo[] = [];
  #failure: Error | undefined;

  constructor(play: Play, atom: Atom) {
    this.#play = play;
    this.#atom = atom;
  }

  get isBusy(): boolean {
    return this.#works.size > 0;
  }

  async idle(): Promise<void> {
    while (this.#works.size > 0) await Promise.all(this.#works);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async disarm(): Promise<void> {
    for (const undo of this.#undo.splice(0)) await undo();
    await this.idle();
  }

  async lay(): Promise<void> {
    const atom = this.#atom;
    switch (atom.kind) {
      case 'kill':
      case 'cut':
      case 'refuse':
      case 'delay':
      case 'twice':
      case 'jump':
      case 'pause':
      case 'away':
      case 'kill-other':
        this.#at(atom.at, (passage) => this.#strike(atom, passage));
        return;
      case 'stale':
        this.#layStale(atom);
        return;
      case 'unobserved':
      case 'watch-gone':
      case 'swallow':
        this.#layNews(atom);
        return;
      case 'stand-in':
        await this.#orderFault(atom);
    }
  }

  /** Calls `hit` at the one passage that is meant. */
  #at(point: Point, hit: (passage: Passage) => Promise<Verdict> | Verdict): void {
    let seen = 0;
    let isOver = false;
    const remove = this.#play.lane.gates.board.guard((passage) => {
      // Its orders are known from the very call that places them: what follows may be faster than a look at the books.
      if (passage.effect.operation.includes('place_orders')) this.#play.owns(passage);
      if (isOver || !isSamePassage(point, passage) || !isOf(this.#play, passage)) return undefined;
      seen += 1;
      if (seen < point.occurrence) return undefined;
      isOver = true;
      remove();
      return hit(passage);
    });
    this.#undo.push(remove);
  }

  async #strike(atom: Extract<Atom, { at: Point; kind: PointKind }>, passage: Passage): Promise<Verdict> {
    const { maker } = passage.effect;
    switch (atom.kind) {
      case 'kill': {
        if (!this.#kill(passage)) return { kind: 'pass' };
        this.#note(atom.at.moment);
        this.#revive(maker);
        return { kind: 'cut' };
      }
      case 'cut':
        this.#note(atom.at.moment);
        return { kind: 'cut' };
      case 'refuse':
        this.#note(atom.at.operation === 'createTask' ? 'refused' : 'before');
        return refusal(atom.status);
      case 'delay':
        this.#note('delayed');
        await this.#work(pause(atom.seconds * 1_000));
        return { kind: 'pass' };
      case 'twice':
        await this.#repeat(passage, atom.seconds);
        return { kind: 'pass' };
      case 'jump':
        this.struck.push({ ...this.#told(), strikes: [{ step: 'clocks', fault: 'jumped' }] });
        this.#play.isTimeMoved = true;
        for (const { id } of this.#play.orders) await this.#play.lane.pass(id, atom.seconds);
        return { kind: 'pass' };
      case 'pause':
        this.#sleep(passage, atom.seconds);
        return { kind: 'pass' };
      case 'away':
        this.#note('away');
        await this.#awayFor(atom.server, atom.seconds);
        return { kind: 'pass' };
      case 'kill-other':
        this.#note('away');
        await this.#killOther(atom.who);
        return { kind: 'pass' };
    }
  }

  #kill(passage: Passage): boolean {
    const pid = passage.maker();
    if (pid === undefined) return false;
    process.kill(pid, 'SIGKILL');
    return true;
  }

  /** A pod is made again by the controller, a part by its Deployment. */
  #revive(maker: Maker): void {
    if (maker === 'bot' || maker === 'controller')
      void this.#work(this.#play.lane.revive(maker).then(() => this.#back()));
  }

  /** A copy that comes first races the true one; one that comes later meets what the true one did. */
  async #repeat(passage: Passage, seconds: number): Promise<void> {
    const step = stepOf(passage.effect);
    const copy = async (): Promise<void> => {
      await pause(seconds * 1_000);
      await passage.again();
      this.struck.push({
        ...this.#told(),
        strikes: step === undefined ? [] : [{ step, fault: seconds === 0 ? 'raced' : 'twice' }],
      });
    };
    // What the copy hears, a refusal too, nobody is there to hear.
    const heard = copy().catch(() => undefined);
    if (seconds > 0) void this.#work(heard);
    else {
      // Inside a transaction the copy waits for the true one's locks, so that is not waited for.
      void this.#work(heard);
      await Promise.race([heard, pause(300)]);
    }
  }

  #told(): Omit<Struck, 'strikes'> {
    return { kind: this.#atom.kind, name: atomName(this.#atom), at: Date.now() };
  }

  /** Stops the maker right after its call has left; of a leader another replica takes over meanwhile. */
  #sleep(passage: Passage, seconds: number): void {
    const pid = passage.maker();
    const { maker } = passage.effect;
    if (pid === undefined) return;
    process.kill(pid, 'SIGSTOP');
    const isReplicated = maker === 'bot' || maker === 'controller';
    const step = stepOf(passage.effect);
    this.struck.push({
      ...this.#told(),
      // Whoever takes over meets the sleeper over the very same effect.
      strikes: step === undefined ? [] : [{ step, fault: isReplicated ? 'raced' : 'delayed' }],
    });
    void this.#work(
      (async () => {
        if (isReplicated) await this.#play.lane.replicate(maker);
        await pause(seconds * 1_000);
        wake(pid);
        this.#play.wokeAt = Date.now();
        // Both live for a moment before one of them goes.
        await pause(3_000);
        if (isReplicated) await this.#play.lane.endReplica(maker);
      })(),
    );
  }

  /** Answers once the server is gone; it comes back by itself. */
  async #awayFor(server: Server, seconds: number): Promise<void> {
    const { stack } = this.#play.lane.system;
    const go = server === 'postgres' ? stack.stopPostgres() : stack.controlPlane.stopProcess(server);
    await this.#work(go);
    void this.#work(
      (async () => {
        await pause(seconds * 1_000);
        await (server === 'postgres' ? stack.startPostgres() : stack.controlPlane.startProcess(server));
        this.#back();
      })(),
    );
  }

  async #killOther(who: Killable): Promise<void> {
    const { lane } = this.#play;
    const pid = lane.system.stack.endpoints().processes[who]?.[0]?.pid;
    if (pid === undefined) return;
    process.kill(pid, 'SIGKILL');
    // All but the node are started again by whoever looks after them.
    if (who === 'node') await this.#work(lane.revive('node'));
    else void this.#work(this.#untilBack(who, pid).then(() => this.#back()));
  }

  #back(): void {
    this.#play.backAt = Date.now();
  }

  async #untilBack(who: Killable, before: number): Promise<void> {
    const { stack } = this.#play.lane.system;
    for (let tries = 0; tries < 600; tries += 1) {
      const pid = stack.endpoints().processes[who]?.[0]?.pid;
      if (pid !== undefined && pid !== before) return;
      await pause(100);
    }
    throw new Error(`${who} did not come back within a minute`);
  }

  #layStale(atom: Extract<Atom, { kind: 'stale' }>): void {
    const { lane } = this.#play;
    let lists: ReadonlyMap<string, string> | undefined;
    this.#at(atom.since, async () => {
      lists = await this.#work(lane.gates.kube.controller.record());
      return { kind: 'pass' };
    });
    this.#at(atom.at, (passage) => {
      if (lists === undefined || !this.#kill(passage)) return { kind: 'pass' };
      const frozen = lists;
      void this.#work(
        (async () => {
          const listed = lane.gates.kube.controller.freeze(frozen);
          await lane.succeed();
          // Only then somebody believes the old view.
          if (!(await listed)) return;
          this.struck.push({
            ...this.#told(),
            strikes: [{ step: 'watch', fault: 'stale' }, ...strikesOf(atom.at, atom.at.moment)],
          });
          await pause(atom.seconds * 1_000);
          lane.gates.kube.controller.thaw();
        })(),
      );
      return { kind: 'cut' };
    });
    this.#undo.push(() => lane.gates.kube.controller.thaw());
  }

  #layNews(atom: Extract<Atom, { kind: 'unobserved' | 'watch-gone' | 'swallow' }>): void {
    const guards = this.#play.lane.gates.kube.controller.watchGuards;
    const first = atom.kind === 'unobserved' ? atom.from : atom.at;
    const isFirst = matcher(first);
    const isLast = atom.kind === 'unobserved' ? matcher(atom.to) : undefined;
    let isWithholding = false;
    let isOver = false;
    const guard = (notification: Parameters<typeof newsOf>[0]): WatchVerdict | undefined => {
      if (isOver || !this.#play.orders.some(({ name }) => notification.name.startsWith(name))) return undefined;
      const about = newsOf(notification);
      const begins = isFirst(about);
      const ends = isLast?.(about) === true;
      if (atom.kind === 'watch-gone' && begins) return this.#end('gone', () => (isOver = true));
      if (atom.kind === 'swallow' && begins) return this.#end('swallow', () => (isOver = true));
      if (begins && !isWithholding) {
        isWithholding = true;
        return this.#end('swallow', () => undefined);
      }
      if (!isWithholding) return undefined;
      if (!ends) return about.resource === first.resource ? 'swallow' : undefined;
      isOver = true;
      return 'deliver';
    };
    guards.add(guard);
    this.#undo.push(() => guards.delete(guard));
  }

  #end(verdict: WatchVerdict, then: () => unknown): WatchVerdict {
    then();
    this.struck.push({ ...this.#told(), strikes: [{ step: 'watch', fault: 'lost' }] });
    return verdict;
  }

  async #orderFault(atom: Extract<Atom, { kind: 'stand-in' }>): Promise<void> {
    const { system } = this.#play.lane;
    const { method, fault, times, seconds, retryAfter } = atom;
    const ordered = {
      ...{ method, fault, times },
      ...(seconds === undefined ? {} : { seconds }),
      ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
    };
    if (atom.where === 'kie') await system.kieFault(ordered);
    else await system.telegramFault({ ...ordered, chat: this.#play.chat });
    const url = `${system.stack.endpoints()[atom.where]}/dev/faults`;
    this.#undo.push(async () => {
      const response = await fetch(url);
      const left: unknown = await response.json();
      const unused = Array.isArray(left) ? left.length : 0;
      // What is not on the board any more has struck.
      if (unused === 0) this.#note(standInFaults[fault] ?? 'before');
      else if (atom.where === 'kie') await fetch(url, { method: 'DELETE' });
    });
  }

  #note(fault: Strike['fault']): void {
    const atom = this.#atom;
    const strikes =
      atom.kind === 'stand-in'
        ? standInStrikes(atom.method, fault)
        : 'at' in atom && 'maker' in atom.at
          ? strikesOf(atom.at, fault)
          : [];
    this.struck.push({ ...this.#told(), strikes });
  }

  #work<T>(work: Promise<T>): Promise<T> {
    const kept = work.then(
      () => undefined,
      (error: unknown) => {
        this.#failure ??= new Error('a fault could not be undone', { cause: error });
      },
    );
    this.#works.add(kept);
    void kept.then(() => this.#works.delete(kept));
    return work;
  }
}

/** Says of one event after the other whether it is the one that is meant. */
function matcher(point: NewsPoint): (about: Omit<NewsPoint, 'occurrence'>) => boolean {
  let seen = 0;
  return ({ resource, type, stage, tells }) => {
    const isSame = resource === point.resource && type === point.type && stage === point.stage && tells === point.tells;
    if (isSame) seen += 1;
    return isSame && seen === point.occurrence;
  };
}

/** Whoever was ended in its sleep, by a deadline, is not there to be woken. */
function wake(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
