/**
 * One place of the product's text, turned into a mistake that somebody could make. `npm run check` holds that `find` still stands
 * exactly once in its file.
 */
export type SourceMutant = {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The row of the crash table that it would break; null where the promise is another one. */
  readonly row: number | null;
  readonly caughtBy: NamedTest;
};

/** A test file, and where one sentence of it is enough, that sentence. */
export type NamedTest = {
  readonly lane: 'unit' | 'integration';
  readonly file: string;
  readonly test?: string;
  /** Whether it needs an API server beside PostgreSQL. */
  readonly cluster?: true;
};
