/** What became of one mutant: the product with one thing taken out, turned round or forgotten. */
export type Verdict = {
  readonly mutant: string;
  readonly caught: boolean;
  /** The oracle or the named assertion that said so; for a survivor, the reason why nothing did. */
  readonly by: string;
  /** The protocol promises that this makes no difference, and it made none: no mutant of anything. */
  readonly promised?: boolean;
};
