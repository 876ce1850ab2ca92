/** One of us acts: who, why, and under which reference, which never does a thing twice. */
export interface ByHand {
  /** A ticket, or any word that is never used for another act. */
  readonly reference: string;
  readonly actor: string;
  readonly reason: string;
  /** Only tell what would be done. Nothing is stored, not even that it was asked. */
  readonly dryRun: boolean;
}

/** As the database functions take it. */
export const byHand = ({ reference, actor, reason, dryRun }: ByHand): readonly [string, string, string, boolean] => [
  reference,
  actor,
  reason,
  dryRun,
];
