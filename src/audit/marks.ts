import type { AuditCause, DatabaseFacts } from './database-facts.ts';

/** How far PostgreSQL had come when the cluster last heard of it; kept in a ConfigMap. */
export interface ClusterMark {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly lastTransfer: number;
  readonly epoch: number;
  readonly counter: number;
}

/** What one side has forgotten, in a word and in a sentence. */
export interface Forgotten {
  readonly cause: AuditCause;
  readonly explanation: string;
}

/** What one comparison is made of. */
export interface Sides {
  /** PostgreSQL as it was before the cluster's mark was read: what it had confirmed by then must stand there. */
  readonly before: DatabaseFacts;
  /** PostgreSQL as it was after: whatever stands in the mark must have been proposed by then. */
  readonly after: DatabaseFacts;
  readonly mark: ClusterMark | undefined;
  /** PostgreSQL as this process has seen it, before `before`. */
  readonly seen: DatabaseFacts | undefined;
}

/**
 * Which side came less far than the other remembers; null when none did. Pure. Never true without a loss: each comparison is of
 * something that was written first on the one side and only then on the other.
 */
export function findForgotten({ before, after, mark, seen: earlier }: Sides): Forgotten | null {
  // An operator has just said that it is right as it is; the next mark says so too, and then it is no longer `resolved`.
  if (after.state === 'resolved') return resolvedForgot(after, mark);
  if (after.state === 'audit') return null;
  // What was resolved since is another history, and not to be compared with the one before it.
  const seen = earlier !== undefined && earlier.epoch < after.epoch ? undefined : earlier;
  return otherDatabase(after, mark, seen) ?? databaseForgot(after, mark, seen) ?? clusterForgot(before, mark);
}

function otherDatabase(
  after: DatabaseFacts,
  mark: ClusterMark | undefined,
  seen: DatabaseFacts | undefined,
): Forgotten | null {
  const known = [after.markedSystemIdentifier, mark?.systemIdentifier, seen?.systemIdentifier];
  if (!known.some((one) => one != null && one !== after.systemIdentifier)) return null;
  return {
    cause: 'other-database',
    explanation: `this PostgreSQL (system identifier ${after.systemIdentifier}) is not the one that was marked`,
  };
}

function databaseForgot(
  after: DatabaseFacts,
  mark: ClusterMark | undefined,
  seen: DatabaseFacts | undefined,
): Forgotten | null {
  const lower = [
    ...(mark === undefined
      ? []
      : [
          compare('its epoch', after.epoch, mark.epoch),
          compare('its timeline', after.timeline, mark.timeline),
          compare('its newest transfer', after.lastTransfer, mark.lastTransfer),
          compare('its mark', after.proposed, mark.counter),
        ]),
    ...(seen === undefined
      ? []
      : [
          compare('its epoch', after.epoch, seen.epoch),
          compare('its timeline', after.timeline, seen.timeline),
          compare('its newest transfer', after.lastTransfer, seen.lastTransfer),
          compare('its mark', after.confirmed, seen.confirmed),
          // On another timeline the log may be shorter without the loss of anything that was acknowledged.
          after.timeline === seen.timeline ? compare('its log', after.written, seen.written) : null,
        ]),
  ].find((one) => one !== null);
  return lower == null
    ? null
    : { cause: 'database-forgot', explanation: `PostgreSQL is older than the cluster: ${lower}` };
}

/** A database that waits for the first mark of its epoch, while the cluster has a later one than that, was restored to that moment. */
function resolvedForgot(after: DatabaseFacts, mark: ClusterMark | undefined): Forgotten | null {
  if (mark === undefined || mark.epoch < after.epoch) return null;
  const lower = compare('its epoch', after.epoch, mark.epoch) ?? compare('its mark', after.proposed, mark.counter);
  return lower === null
    ? null
    : { cause: 'database-forgot', explanation: `PostgreSQL is older than the cluster: ${lower}` };
}

function compare(what: string, is: number | bigint, was: number | bigint): string | null {
  return is < was ? `${what} is ${is} and was ${was}` : null;
}

function clusterForgot(before: DatabaseFacts, mark: ClusterMark | undefined): Forgotten | null {
  if (mark === undefined) {
    if (before.confirmed === 0) return null;
    return {
      cause: 'cluster-forgot',
      explanation: `the cluster has no mark and PostgreSQL remembers its mark ${before.confirmed}`,
    };
  }
  if (mark.counter >= before.confirmed && mark.epoch >= before.epoch) return null;
  return {
    cause: 'cluster-forgot',
    explanation:
      `the cluster is older than PostgreSQL: its mark is ${mark.counter} of epoch ${mark.epoch} ` +
      `and was ${before.confirmed} of epoch ${before.epoch}`,
  };
}
