import { openAttemptRow } from './admission.ts';
import { anotherAllowed, clocksOf, dueEnd, leasedExecutions, remainingSeconds, usualSeconds } from './clocks.ts';
import type { AttemptRow, ExecutionRow, HoldRow, Stage, VideoColumns } from './rows.ts';
import { iso, RuleError, type Tables } from './tables.ts';

export function done(because: string | null): { done: boolean; because: string | null } {
  return { done: because === null, because };
}

function isLive({ state }: AttemptRow): boolean {
  return state === 'ready' || state === 'intent' || state === 'unknown' || state === 'accepted';
}

export function isClaimedBy(db: Tables, orderId: string, uid: string): boolean {
  return db.orders.get(orderId)?.claimedBy === uid;
}

/** `open_execution`. */
export function openExecution(
  db: Tables,
  orderId: string,
  uid: string,
  stage: Stage,
  n: number,
  executor: string,
): unknown {
  const found = db.executionsOf(orderId, stage);
  const same = found.find((row) => row.n === n);
  const refused = (because: string): unknown => ({ outcome: 'refused', because });
  if (!isClaimedBy(db, orderId, uid)) return refused('the order is not claimed by this object');
  if (db.holds.get(orderId)?.state !== 'held') return refused('the order is settled');
  const answer = (outcome: string, by: string): unknown => ({
    ...{ outcome, n, executor: by, remainingSeconds: remainingSeconds(db, orderId, stage) },
  });
  if (same !== undefined) return answer('exists', same.executor);
  if (found.some(({ endedAt }) => endedAt === null)) return refused('the previous execution has not ended');
  if (n !== 1 + Math.max(0, ...found.map((row) => row.n))) return refused('it is not the next number');
  if (dueEnd(db, orderId, db.now()) !== null) return refused('the end of the order is due');
  const attemptN = stage === 'generation' ? (db.attemptsOf(orderId).find(isLive)?.n ?? null) : null;
  if (stage === 'generation' && attemptN === null) return refused('no attempt is live');
  if (stage === 'delivery') {
    const state = db.deliveries.get(orderId)?.state;
    if (state !== 'pending' && state !== 'editing') return refused('there is nothing to deliver');
  }
  const row: ExecutionRow = {
    ...{ orderId, stage, n, executor, attemptN, openedAt: db.now() },
    ...{ leasedAt: null, endedAt: null, endCause: null },
  };
  db.append(db.executions, row);
  db.touch(orderId);
  return answer('opened', executor);
}

/** `end_execution`. */
export function endExecution(db: Tables, orderId: string, uid: string, stage: Stage, n: number, cause: string): null {
  if (!isClaimedBy(db, orderId, uid)) return null;
  const row = db.executionsOf(orderId, stage).find((one) => one.n === n && one.endedAt === null);
  if (row !== undefined) db.setExecution(row, { endedAt: db.now(), endCause: cause });
  return null;
}

/** `lease_attempt`. */
export function leaseAttempt(db: Tables, orderId: string, uid: string, execution: number, owner: string): unknown {
  const at = db.now();
  const job = db.executionsOf(orderId, 'generation').find((row) => row.n === execution);
  const attempt = db.attemptsOf(orderId).find((row) => row.n === job?.attemptN);
  const because = leaseRefusal(db, orderId, uid, job, attempt, execution);
  if (because !== null || attempt === undefined || job === undefined) return { outcome: 'over', because };
  const isOurs = attempt.leaseOwner === owner;
  if (execution === attempt.leaseExecution && !isOurs && (attempt.leaseUntil ?? 0) > at) {
    return { outcome: 'held', until: iso(attempt.leaseUntil) };
  }
  const isLost = !isOurs || (attempt.leaseUntil !== null && attempt.leaseUntil <= at);
  db.setAttempt(attempt, {
    // A POST of somebody who lost the lease may be on its way.
    state: attempt.state === 'intent' && isLost ? 'unknown' : attempt.state,
    ...{ fence: attempt.fence + 1 + db.fenceBits(), leaseOwner: owner, leaseExecution: execution },
    leaseUntil: at + 60_000,
  });
  if (job.leasedAt === null) db.setExecution(job, { leasedAt: at });
  return leasedAttemptJson(db, attempt, at);
}

function leaseRefusal(
  db: Tables,
  orderId: string,
  uid: string,
  job: ExecutionRow | undefined,
  attempt: AttemptRow | undefined,
  execution: number,
): string | null {
  if (!isClaimedBy(db, orderId, uid)) return 'the order is not claimed by this object';
  if (db.holds.get(orderId)?.state !== 'held') return 'the order is settled';
  if (job === undefined) return 'there is no such execution';
  if (job.endedAt !== null) return 'the execution has ended';
  if (attempt !== undefined && !isLive(attempt)) return `the verdict is ${attempt.state}`;
  if (attempt !== undefined && execution < attempt.leaseExecution) return 'a later execution took over';
  return null;
}

function leasedAttemptJson(db: Tables, attempt: AttemptRow, at: number): unknown {
  const order = db.order(attempt.orderId);
  const { generation, hold } = clocksOf(db, attempt.orderId);
  const earlier = db.attemptsOf(attempt.orderId).toSorted((a, b) => b.n - a.n);
  return {
    outcome: 'leased',
    ...{ attemptId: attempt.attemptId, n: attempt.n, state: attempt.state, fence: attempt.fence },
    ...{ leaseUntil: iso(attempt.leaseUntil), notBefore: iso(attempt.notBefore), taskId: attempt.taskId },
    prompt: earlier.find(({ prompt }) => prompt !== null)?.prompt ?? null,
    // A second task of the order sends the same upload while it lives.
    photoUrl: earlier.find(({ photoUrlUntil }) => (photoUrlUntil ?? 0) > at + 300_000)?.photoUrl ?? null,
    ...{ submitNonce: attempt.submitNonce, now: iso(at) },
    generationDeadline: iso(generation === null ? hold : Math.min(generation, hold)),
    usualSeconds: usualSeconds(db, order.model),
    order: {
      ...{ photoKey: order.photoKey, template: order.template, productText: order.productText },
      ...{ wishes: order.wishes, language: order.language, provider: order.provider, model: order.model },
      ...{ seconds: order.seconds, aspectRatio: order.aspectRatio, audio: order.audio },
    },
  };
}

/** `renew_attempt`. */
export function renewAttempt(db: Tables, attemptId: number, fence: number): unknown {
  const attempt = db.attempt(attemptId);
  const hold = attempt === undefined ? undefined : db.holds.get(attempt.orderId);
  if (attempt === undefined || hold?.state !== 'held' || attempt.fence !== fence) {
    return { held: false, state: attempt?.state ?? 'none' };
  }
  // An intent that has run out is its maker's no more, even if nobody took it yet.
  if (attempt.state === 'intent' && attempt.leaseUntil !== null && attempt.leaseUntil <= db.now()) {
    db.setAttempt(attempt, { state: 'unknown' });
  }
  db.setAttempt(attempt, { leaseUntil: db.now() + 60_000 });
  return { held: true, state: attempt.state };
}

/** `attempt_refusal`: why a write of the lease's holder does nothing, or null. */
export function attemptRefusal(
  attempt: AttemptRow | undefined,
  hold: HoldRow | undefined,
  expected: string,
  fence: number,
): string | null {
  if (attempt === undefined) return 'there is no such attempt';
  if (hold?.state !== 'held') return 'the order is settled';
  if (attempt.fence !== fence) return 'the lease was taken';
  return attempt.state === expected ? null : `the attempt is ${attempt.state}`;
}

/** A write of the lease's holder: does nothing once the lease, the state or the hold moved. */
function asHolder(
  db: Tables,
  attemptId: number,
  fence: number,
  expected: string,
  write: (attempt: AttemptRow) => void,
): unknown {
  const attempt = db.attempt(attemptId);
  const because = attemptRefusal(attempt, attempt && db.holds.get(attempt.orderId), expected, fence);
  if (because === null && attempt !== undefined) write(attempt);
  return done(because);
}

/** `record_prompt`: the first one counts. */
export function recordPrompt(db: Tables, attemptId: number, fence: number, prompt: string, source: string): unknown {
  return asHolder(db, attemptId, fence, 'ready', (attempt) => {
    if (attempt.prompt === null) db.setAttempt(attempt, { prompt, promptSource: source });
  });
}

/** `record_photo_url`. */
export function recordPhotoUrl(db: Tables, attemptId: number, fence: number, url: string, until: number): unknown {
  return asHolder(db, attemptId, fence, 'ready', (attempt) => {
    db.setAttempt(attempt, { photoUrl: url, photoUrlUntil: until });
  });
}

/** `postpone_attempt`. */
export function postponeAttempt(
  db: Tables,
  attemptId: number,
  fence: number,
  failure: string,
  seconds: number,
): unknown {
  return asHolder(db, attemptId, fence, 'ready', (attempt) => {
    const wait = Math.max(0, Math.min(seconds, 86_400)) * 1000;
    db.setAttempt(attempt, { failureClass: failure, notBefore: db.now() + wait });
  });
}

/** `record_provider_state`. */
export function recordProviderState(db: Tables, attemptId: number, fence: number, seen: string): unknown {
  return asHolder(db, attemptId, fence, 'accepted', (attempt) => {
    if (attempt.providerState !== seen) db.setAttempt(attempt, { providerState: seen });
  });
}

/** `end_attempt`: a verdict of the lease's holder. */
export function endAttempt(
  db: Tables,
  attemptId: number,
  fence: number,
  expected: 'accepted' | 'ready',
  failure: string,
  message: string,
): unknown {
  const ending = expected === 'accepted' ? 'failed' : 'rejected';
  const attempt = db.attempt(attemptId);
  // Said twice by the same holder, because the first answer was lost.
  if (attempt?.state === ending && attempt.fence === fence && attempt.failureClass === failure) return done(null);
  return asHolder(db, attemptId, fence, expected, (row) => {
    db.setAttempt(row, {
      ...{ state: ending, endedAt: db.now(), failureClass: failure, failureMessage: message.slice(0, 500) },
    });
  });
}

export interface Video {
  readonly key: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly width: number;
  readonly height: number;
}

export function videoColumns(video: Video): VideoColumns {
  return {
    ...{ videoKey: video.key, videoSha256: video.sha256, videoBytes: video.bytes, videoSeconds: video.seconds },
    ...{ videoWidth: video.width, videoHeight: video.height },
  };
}

/** `succeed_attempt`: the point of no return. */
export function succeedAttempt(db: Tables, attemptId: number, fence: number, video: Video): unknown {
  const attempt = db.attempt(attemptId);
  if (attempt?.state === 'succeeded' && attempt.fence === fence && attempt.videoSha256 === video.sha256) {
    return done(null);
  }
  const because = attemptRefusal(attempt, attempt && db.holds.get(attempt.orderId), 'accepted', fence);
  if (because !== null || attempt === undefined) return done(because);
  const { orderId } = attempt;
  const now = db.now();
  if (dueEnd(db, orderId, now) !== null) return done('the end of the order is due');
  if (!video.key.startsWith(`${orderId}/`)) throw new RuleError('attempt_video_is_of_its_order', orderId);
  db.setAttempt(attempt, { state: 'succeeded', endedAt: now, ...videoColumns(video) });
  db.put(db.deliveries, orderId, {
    ...{ orderId, state: 'pending', fence: 0, leaseOwner: null, leaseExecution: 0, leaseUntil: null },
    ...{ notBefore: null, openedAt: now, refusedAt: null, failureClass: null, shownAt: null },
    ...{ shownMessageId: null, fileId: null, askedAt: null, showingOwner: null, showingUntil: null },
    ...{ showingTries: 0, showingDueAt: null },
  });
  db.touch(orderId);
  return done(null);
}

/** `open_attempt`. */
export function openAttempt(db: Tables, orderId: string, uid: string, number: number): unknown {
  const at = db.now();
  const latest = db.latestAttempt(orderId);
  const because = openRefusal(db, orderId, uid, latest, number, at);
  if (because === null) {
    openAttemptRow(db, orderId, number, at + Math.min(60, 5 * 2 ** (number - 2)) * 1000);
  }
  return { opened: because === null, because };
}

function openRefusal(
  db: Tables,
  orderId: string,
  uid: string,
  latest: AttemptRow | undefined,
  number: number,
  at: number,
): string | null {
  if (!isClaimedBy(db, orderId, uid)) return 'the order is not claimed by this object';
  if (db.holds.get(orderId)?.state !== 'held') return 'the order is settled';
  if (latest === undefined) return 'the order is not admitted';
  if (number !== latest.n + 1) return 'it is not the next number';
  return anotherAllowed(db, latest, at) ? null : 'no other attempt is allowed';
}

/** `observed_attempt`. */
export function observedAttempt(db: Tables, attempt: AttemptRow | undefined, at: number): unknown {
  if (attempt === undefined) return null;
  return {
    ...{ n: attempt.n, state: attempt.state, notBefore: iso(attempt.notBefore), leaseUntil: iso(attempt.leaseUntil) },
    ...{ taskId: attempt.taskId, failureClass: attempt.failureClass, failureMessage: attempt.failureMessage },
    anotherAllowed: anotherAllowed(db, attempt, at),
    leasedExecutions: leasedExecutions(db, attempt).count,
  };
}
