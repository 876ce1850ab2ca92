import fc from 'fast-check';

/** Which mutants of all are tried. */
export type Pick = {
  /** Only those whose name or file has this in it. */
  readonly only?: string | undefined;
  /** Only so many of each kind, chosen by the seed. */
  readonly sample?: number | undefined;
  readonly seed: number;
};

/** Those that are asked for, in the order they were given. */
export function picked<T extends { readonly name: string; readonly file?: string }>(
  all: readonly T[],
  { only, sample, seed }: Pick,
): T[] {
  const named = all.filter(({ name, file = '' }) => only === undefined || `${file}: ${name}`.includes(only));
  if (sample === undefined || sample >= named.length) return named;
  const [chosen = []] = fc.sample(fc.shuffledSubarray([...named.keys()], { minLength: sample, maxLength: sample }), {
    seed,
    numRuns: 1,
  });
  return named.filter((_, index) => chosen.includes(index));
}
