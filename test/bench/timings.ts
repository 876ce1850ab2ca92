/** Milliseconds of calls by their name. */
export class Timings {
  readonly #taken = new Map<string, number[]>();

  readonly timed = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const answer = await act();
    const all = this.#taken.get(name) ?? [];
    all.push(performance.now() - began);
    this.#taken.set(name, all);
    return answer;
  };

  names(): string[] {
    return [...this.#taken.keys()];
  }

  /** The value below which this share of the calls stayed. */
  quantile(name: string, share: number): number {
    const sorted = (this.#taken.get(name) ?? []).toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  }

  lines(): string[] {
    return this.names().map((name) => {
      const [p50, p99] = [0.5, 0.99].map((share) => this.quantile(name, share).toFixed(1).padStart(7));
      return `    ${name.padEnd(18)} p50 ${p50} ms  p99 ${p99} ms`;
    });
  }
}

/** Works the items off, so many at a time; answers the seconds it took. */
export async function workOff<T>(
  items: readonly T[],
  atOnce: number,
  act: (item: T) => Promise<void>,
): Promise<number> {
  const left = items.values();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of left) await act(item);
    }),
  );
  return (performance.now() - began) / 1000;
}
