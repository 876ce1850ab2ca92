/** The kinds of mutants there are. */
export const mutantKinds = ['schema', 'effect', 'source'] as const;
export type MutantKind = (typeof mutantKinds)[number];
