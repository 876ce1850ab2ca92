import { attemptRefusal, done, type Video, videoColumns } from './attempts.ts';
import { dueEnd } from './clocks.ts';
import { writeProgress } from './notices.ts';
import type { AttemptRow, SubmitNonceRow } from './rows.ts';
import { RuleError, type Tables } from './tables.ts';

/** `take_submit_token`: 20 creates in 10 s per key. */
export function takeSubmitToken(db: Tables, provider: string): unknown {
  const at = db.now();
  const recent = (db.tokens.get(provider) ?? []).filter((instant) => instant > at - 10_000);
  if (recent.length >= 20) {
    return { granted: false, retryAfterSeconds: ((recent.at(-20) ?? at) + 10_000 - at) / 1000 };
  }
  db.tokens.set(provider, [...recent, at]);
  return { granted: true, retryAfterSeconds: 0 };
}

/** `begin_submit`: its nonce is used up whatever the answer. */
export function beginSubmit(db: Tables, attemptId: number, fence: number, nonce: string): unknown {
  const attempt = db.attempt(attemptId);
  const at = db.now();
  let because =
    attemptRefusal(attempt, attempt && db.holds.get(attempt.orderId), 'ready', fence) ??
    (attempt === undefined ? null : submitRefusal(db, attempt, at));
  if (db.submitNonces.has(nonce)) because ??= 'the nonce was used before';
  else {
    db.put(db.submitNonces, nonce, {
      ...{ nonce, attemptId: because === null ? attemptId : null, answer: null, answeredAt: null, taskId: null },
    });
  }
  if (because === null && attempt !== undefined) {
    db.setAttempt(attempt, { state: 'intent', submitNonce: nonce, failureClass: null, failureMessage: null });
  }
  return done(because);
}

function submitRefusal(db: Tables, attempt: AttemptRow, at: number): string | null {
  if ((attempt.leaseUntil ?? 0) <= at) return 'the lease ran out';
  if (attempt.notBefore !== null && attempt.notBefore > at) return 'it is not to begin yet';
  return dueEnd(db, attempt.orderId, at) === null ? null : 'the end of the order is due';
}

export interface SubmitAnswer {
  readonly kind: 'accepted' | 'refused' | 'unknown';
  readonly taskId?: string;
  readonly resubmit?: boolean;
  readonly failureClass?: string;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
}

/** `answer_submit`: by its nonce alone. */
export function answerSubmit(db: Tables, nonce: string, answer: SubmitAnswer): unknown {
  let used = db.submitNonces.get(nonce);
  if (used === undefined && answer.kind === 'refused') {
    // Its begin_submit may still be on its way: now it begins nothing.
    used = db.put(db.submitNonces, nonce, {
      ...{ nonce, attemptId: null, answer: null, answeredAt: null, taskId: null },
    });
  }
  if (used === undefined) return { state: 'unknown-nonce' };
  const attempt = used.attemptId === null ? undefined : db.attempt(used.attemptId);
  if (attempt === undefined) return { state: 'ready' };
  writeSubmitAnswer(db, used, answer);
  if (attempt.submitNonce === nonce) {
    if (answer.kind === 'accepted') acceptTask(db, attempt, used);
    else if (answer.kind === 'refused') refuseSubmit(db, attempt, used, answer);
    else if (attempt.state === 'intent') db.setAttempt(attempt, { state: 'unknown' });
  }
  return { state: attempt.state };
}

/** `accepted` is final and the first task id counts. */
function writeSubmitAnswer(db: Tables, used: SubmitNonceRow, answer: SubmitAnswer): void {
  if (used.answer === 'accepted' || (used.answer === 'refused' && answer.kind !== 'accepted')) return;
  db.set(used, { answer: answer.kind, answeredAt: db.now(), taskId: answer.taskId ?? null });
}

function acceptTask(db: Tables, attempt: AttemptRow, { taskId }: SubmitNonceRow): void {
  const isTaken = db.attempts.some((other) => other !== attempt && other.taskId !== null && other.taskId === taskId);
  if (attempt.state === 'abandoned') {
    if (attempt.taskId === null) {
      if (isTaken) throw new RuleError('one_attempt_per_task', taskId ?? '');
      db.setAttempt(attempt, { taskId, followDueAt: db.now() });
    }
  } else if (attempt.state === 'intent' || attempt.state === 'unknown') {
    if (isTaken) throw new RuleError('one_attempt_per_task', taskId ?? '');
    db.setAttempt(attempt, { state: 'accepted', taskId, acceptedAt: db.now() });
    writeProgress(db, attempt.orderId, 'generating');
  }
}

function refuseSubmit(db: Tables, attempt: AttemptRow, used: SubmitNonceRow, answer: SubmitAnswer): void {
  // A callback that named the task is stronger than a refusal.
  if (used.answer !== 'refused') return;
  const failure = { failureClass: answer.failureClass ?? null, failureMessage: answer.message?.slice(0, 500) ?? null };
  if (attempt.state === 'abandoned') {
    if (attempt.followed === null) db.setAttempt(attempt, { followed: 'no-task', followDueAt: null });
  } else if (attempt.state === 'intent' || attempt.state === 'unknown') {
    const wait = Math.max(0, Math.min(answer.retryAfterSeconds ?? 0, 86_400)) * 1000;
    db.setAttempt(
      attempt,
      answer.resubmit === true
        ? { state: 'ready', submitNonce: null, ...failure, notBefore: db.now() + wait }
        : { state: 'rejected', endedAt: db.now(), ...failure },
    );
  }
}

/** `adopt_callback`. */
export function adoptCallback(db: Tables, nonce: string, taskId: string): unknown {
  const hint = db.hints.find((row) => row.nonce === nonce && row.taskId === taskId);
  if (hint !== undefined) db.set(hint, { verdict: 'ours' });
  return answerSubmit(db, nonce, { kind: 'accepted', taskId });
}

/** `note_callback`: nonces we never began with, or news of the task we know, write nothing. */
export function noteCallback(db: Tables, nonce: string, taskId: string): null {
  const used = db.submitNonces.get(nonce);
  if (used?.attemptId == null || used.taskId === taskId) return null;
  const known = db.hints.filter((row) => row.nonce === nonce);
  if (known.some((row) => row.taskId === taskId)) return null;
  if (known.filter(({ verdict }) => verdict === null).length >= 20) return null;
  const now = db.now();
  db.append(db.hints, { nonce, taskId, notedAt: now, dueAt: now, tries: 0, verdict: null });
  return null;
}

/** `take_hints`. */
export function takeHints(db: Tables, number: number): unknown {
  const at = db.now();
  const due = db.hints
    .filter(({ verdict, dueAt, notedAt }) => verdict === null && dueAt <= at && notedAt > at - 24 * 3_600_000)
    .toSorted((a, b) => a.dueAt - b.dueAt)
    .slice(0, number);
  for (const hint of due) {
    const pause = Math.min(900, 5 * 2 ** Math.min(hint.tries, 10)) * 1000;
    db.set(hint, { tries: hint.tries + 1, dueAt: at + pause });
  }
  return due.map(({ nonce, taskId }) => ({ nonce, taskId }));
}

/** `refuse_hint`. */
export function refuseHint(db: Tables, nonce: string, taskId: string): null {
  const hint = db.hints.find((row) => row.nonce === nonce && row.taskId === taskId && row.verdict === null);
  if (hint !== undefined) db.set(hint, { verdict: 'foreign' });
  return null;
}

/** `take_abandoned`. */
export function takeAbandoned(db: Tables, owner: string, number: number): unknown {
  const at = db.now();
  const followed = db.attempts.filter((row) => row.state === 'abandoned' && row.followed === null);
  for (const row of followed) {
    if ((row.followUntil ?? 0) <= at) db.setAttempt(row, { followed: 'gave-up', followDueAt: null });
  }
  const due = followed
    .filter(
      ({ followed: end, taskId, followDueAt, leaseUntil }) =>
        end === null && taskId !== null && followDueAt !== null && followDueAt <= at && (leaseUntil ?? 0) <= at,
    )
    .toSorted((a, b) => (a.followDueAt ?? 0) - (b.followDueAt ?? 0))
    .slice(0, number);
  return due.map((row) => {
    db.setAttempt(row, { fence: row.fence + 1, leaseOwner: owner, leaseUntil: at + 60_000 });
    const { attemptId, orderId, taskId, fence } = row;
    return { attemptId, orderId, taskId, fence, provider: db.order(orderId).provider };
  });
}

/** `record_abandoned`. */
export function recordAbandoned(
  db: Tables,
  attemptId: number,
  fence: number,
  end: { readonly kind: string; readonly failureClass?: string; readonly video?: Video },
): null {
  const attempt = db.attempt(attemptId);
  const at = db.now();
  if (attempt?.state !== 'abandoned' || attempt.fence !== fence || attempt.followed !== null) return null;
  const released = { leaseUntil: null, leaseOwner: null };
  if (end.kind === 'running') {
    const quarter = (at - (attempt.endedAt ?? at)) / 4;
    db.setAttempt(attempt, { ...released, followDueAt: at + Math.min(900_000, Math.max(60_000, quarter)) });
  } else if (end.kind === 'failed') {
    db.setAttempt(attempt, {
      ...{ ...released, followed: 'failed', followDueAt: null, failureClass: end.failureClass ?? null },
    });
  } else if (end.video !== undefined) {
    db.setAttempt(attempt, { ...released, followed: 'succeeded', followDueAt: null, ...videoColumns(end.video) });
  }
  return null;
}
