import type { Process } from './process.ts';

interface Happening {
  at: number;
  readonly order: number;
  readonly process: Process | null;
  readonly run: () => void;
  cancelled: boolean;
}

/** Runs every microtask that waits, at once: Node's own way after each macrotask, here after each happening. */
const drain: () => void = (() => {
  const tick: unknown = Reflect.get(process, '_tickCallback');
  if (typeof tick !== 'function')
    throw new Error('this Node has no way to drain its microtasks: the simulation cannot run');
  return () => void Reflect.apply(tick, process, []);
})();

/**
 * Virtual time. Everything that is not instant is a happening with an instant; between two of them every promise that can go on goes
 * on. So one run is one order of happenings, and the same seed is the same run.
 */
export class Engine {
  now: number;
  /** Whose code runs at this moment; null for the world's own. */
  current: Process | null = null;
  happened = 0;
  readonly #heap: Happening[] = [];
  #order = 0;

  constructor(now: number) {
    this.now = now;
  }

  /** Plans a happening `ms` from now. A process's own never happens once it is dead, and waits while it is stopped. */
  after(ms: number, process: Process | null, run: () => void): () => void {
    this.#order += 1;
    const happening = { at: this.now + Math.max(0, ms), order: this.#order, process, run, cancelled: false };
    this.#push(happening);
    return () => {
      happening.cancelled = true;
    };
  }

  /** Goes on until `isOver`, until nothing is planned, or until that instant. Must not be called from inside a promise. */
  run(isOver: () => boolean, until: number): 'over' | 'idle' | 'late' {
    drain();
    for (;;) {
      if (isOver()) return 'over';
      const next = this.#pop();
      if (next === undefined) return 'idle';
      const { process } = next;
      if (next.cancelled || process?.alive === false) continue;
      if (next.at > until) return 'late';
      if (process !== null && process.pausedUntil > next.at) {
        next.at = process.pausedUntil;
        this.#push(next);
        continue;
      }
      this.now = Math.max(this.now, next.at);
      this.current = process;
      this.happened += 1;
      next.run();
      drain();
      this.current = null;
    }
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(happening);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(happening, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (!isBefore(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
