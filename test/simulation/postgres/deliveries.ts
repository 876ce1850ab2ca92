import { done, isClaimedBy } from './attempts.ts';
import { dueEnd } from './clocks.ts';
import { writeNotice } from './notices.ts';
import type { EditRow, HoldRow } from './rows.ts';
import { settle } from './settlement.ts';
import { iso, RuleError, type Tables } from './tables.ts';

function videoJson(db: Tables, orderId: string): unknown {
  const row = db.attemptsOf(orderId).find(({ state }) => state === 'succeeded');
  if (row === undefined) return null;
  return {
    ...{ key: row.videoKey, sha256: row.videoSha256, bytes: row.videoBytes, seconds: row.videoSeconds },
    ...{ width: row.videoWidth, height: row.videoHeight },
  };
}

/** `lease_delivery`. */
export function leaseDelivery(db: Tables, orderId: string, uid: string, execution: number, owner: string): unknown {
  const at = db.now();
  const job = db.executionsOf(orderId, 'delivery').find((row) => row.n === execution);
  const delivery = db.deliveries.get(orderId);
  const over = (because: string): unknown => ({ outcome: 'over', because });
  if (!isClaimedBy(db, orderId, uid)) return over('the order is not claimed by this object');
  if (db.holds.get(orderId)?.state !== 'held') return over('the order is settled');
  if (job === undefined) return over('there is no such execution');
  if (job.endedAt !== null) return over('the execution has ended');
  if (delivery === undefined || (delivery.state !== 'pending' && delivery.state !== 'editing')) {
    return over(`the delivery is ${delivery?.state ?? 'not opened'}`);
  }
  if (execution < delivery.leaseExecution) return over('a later execution took over');
  if (execution === delivery.leaseExecution && delivery.leaseOwner !== owner && (delivery.leaseUntil ?? 0) > at) {
    return { outcome: 'held', until: iso(delivery.leaseUntil) };
  }
  db.setDelivery(delivery, {
    ...{ fence: delivery.fence + 1 + db.fenceBits(), leaseOwner: owner, leaseExecution: execution },
    leaseUntil: at + 60_000,
  });
  if (job.leasedAt === null) db.setExecution(job, { leasedAt: at });
  const order = db.order(orderId);
  return {
    ...{ outcome: 'leased', fence: delivery.fence, state: delivery.state, leaseUntil: iso(delivery.leaseUntil) },
    ...{ notBefore: iso(delivery.notBefore), now: iso(at), chatId: order.chatId, messageId: order.messageId },
    language: db.people.get(order.userId)?.language,
    ...{ unitPrice: db.settings.unitPrice, video: videoJson(db, orderId) },
  };
}

/** `renew_delivery`. */
export function renewDelivery(db: Tables, orderId: string, fence: number): unknown {
  const delivery = db.deliveries.get(orderId);
  const held = delivery?.fence === fence && db.holds.get(orderId)?.state === 'held';
  if (held && delivery !== undefined) db.setDelivery(delivery, { leaseUntil: db.now() + 60_000 });
  return { held };
}

/** `adopt_message`: a pod names its fence, the bot none. */
export function adoptMessage(
  db: Tables,
  orderId: string,
  fence: number | null,
  expected: number | null,
  adopted: number | null,
): unknown {
  const order = db.orders.get(orderId);
  if (order === undefined) return { messageId: null };
  const mayWrite = fence === null || db.deliveries.get(orderId)?.fence === fence;
  if (mayWrite && order.messageId === expected) db.set(order, { messageId: adopted });
  return { messageId: order.messageId };
}

/** A begun edit; its nonce is used up whatever the answer. */
function beginAs(
  db: Tables,
  kind: 'edit' | 'showing',
  orderId: string,
  fence: number,
  nonce: string,
  refusal: string | null,
): ReturnType<typeof done> {
  let because = refusal;
  const known = db.edits.get(nonce);
  const isSame = known?.orderId === orderId && known.fence === fence && known.kind === kind && known.answer === null;
  // Asked again with the same nonce and fence, it answers the same.
  if (because === null && isSame) return done(null);
  if (known !== undefined) because ??= 'the nonce was used before';
  else {
    const begun = because === null;
    db.put(db.edits, nonce, {
      ...{ nonce, orderId: begun ? orderId : null, kind: begun ? kind : 'void', fence, begunAt: db.now() },
      ...{ answer: null, meaning: null, failureClass: null, answeredAt: null },
    });
  }
  return done(because);
}

/** `begin_edit`. */
export function beginEdit(db: Tables, orderId: string, fence: number, nonce: string): unknown {
  const at = db.now();
  const delivery = db.deliveries.get(orderId);
  const answer = beginAs(db, 'edit', orderId, fence, nonce, editRefusal(db, orderId, fence, at));
  if (answer.done && delivery?.state === 'pending') db.setDelivery(delivery, { state: 'editing' });
  return answer;
}

function editRefusal(db: Tables, orderId: string, fence: number, at: number): string | null {
  const delivery = db.deliveries.get(orderId);
  if (delivery === undefined) return 'there is nothing to deliver';
  if (db.holds.get(orderId)?.state !== 'held') return 'the order is settled';
  if (delivery.fence !== fence) return 'the lease was taken';
  if ((delivery.leaseUntil ?? 0) <= at) return 'the lease ran out';
  if (delivery.state !== 'pending' && delivery.state !== 'editing') return `the delivery is ${delivery.state}`;
  if (delivery.notBefore !== null && delivery.notBefore > at) return 'it is not to begin yet';
  return dueEnd(db, orderId, at) === null ? null : 'the end of the order is due';
}

/** `begin_showing`. */
export function beginShowing(db: Tables, orderId: string, fence: number, nonce: string): unknown {
  const delivery = db.deliveries.get(orderId);
  const refusal = ((): string | null => {
    if (db.holds.get(orderId)?.state !== 'captured' || delivery === undefined) return 'the order is not captured';
    if (delivery.state !== 'waiting' && delivery.state !== 'uncertain') return `the delivery is ${delivery.state}`;
    if (delivery.fence !== fence) return 'the lease was taken';
    return (delivery.showingUntil ?? 0) <= db.now() ? 'the lease ran out' : null;
  })();
  return beginAs(db, 'showing', orderId, fence, nonce, refusal);
}

/** `lock_edit`: an unknown nonce is made void, so that a late copy of its begin begins nothing. */
function knownEdit(db: Tables, nonce: string): EditRow {
  return (
    db.edits.get(nonce) ??
    db.put(db.edits, nonce, {
      ...{ nonce, orderId: null, kind: 'void', fence: null, begunAt: db.now() },
      ...{ answer: null, meaning: null, failureClass: null, answeredAt: null },
    })
  );
}

export interface EditAnswer {
  readonly kind: 'refused' | 'unknown';
  readonly meaning?: string;
  readonly failureClass?: string;
  readonly retryAfterSeconds?: number;
}

/** `answer_edit`: the answer to exactly the edit begun with this nonce. */
export function answerEdit(db: Tables, nonce: string, answer: EditAnswer): unknown {
  const edit = knownEdit(db, nonce);
  const hold = edit.orderId === null ? undefined : db.holds.get(edit.orderId);
  if (edit.kind === 'void' || hold === undefined) return done('nothing was begun with this nonce');
  if (edit.answer === 'shown' || edit.answer === 'refused') {
    return done(edit.answer === answer.kind ? null : 'the edit was answered before');
  }
  db.set(edit, {
    ...{ answer: answer.kind, answeredAt: db.now() },
    ...{ failureClass: answer.failureClass ?? null, meaning: answer.meaning ?? null },
  });
  if (answer.kind !== 'refused') return done(null);
  if (answer.meaning === 'unreachable') {
    const person = db.people.get(hold.userId);
    if (person !== undefined && person.unreachableSince === null && person.seenAt <= edit.begunAt) {
      db.set(person, { unreachableSince: db.now() });
    }
  }
  if (edit.kind === 'edit' && hold.state === 'held') refuseEdit(db, edit, answer.retryAfterSeconds ?? 0);
  else if (edit.kind === 'showing') putOffShowing(db, edit, answer.retryAfterSeconds ?? 0);
  return done(null);
}

function refuseEdit(db: Tables, edit: EditRow, retryAfter: number): void {
  const orderId = edit.orderId ?? '';
  const delivery = db.deliveries.get(orderId);
  if (delivery === undefined) return;
  const at = db.now();
  const pause = Math.max(0, Math.min(retryAfter, 3600)) * 1000;
  const isOpen = delivery.state === 'editing' && delivery.refusedAt === null;
  const { failureClass } = edit;
  if (edit.meaning === 'unreachable') {
    if (!isOpen) return;
    db.setDelivery(delivery, { state: 'waiting', failureClass });
    settle(db, orderId, 'captured', 'RecipientUnreachable');
  } else if (edit.meaning === 'final') {
    if (!isOpen) return;
    const state = db.editsUnanswered(orderId) === 0 ? 'refused' : delivery.state;
    db.setDelivery(delivery, { refusedAt: at, failureClass, state });
  } else if (edit.meaning === 'retry') {
    db.setDelivery(delivery, { notBefore: Math.max(delivery.notBefore ?? 0, at + pause), failureClass });
    if (pause > 0) {
      db.append(db.pauses, { orderId, cause: 'retry-after', lower: at, upper: at + pause });
      db.touch(orderId);
    }
  }
}

function putOffShowing(db: Tables, edit: EditRow, retryAfter: number): void {
  const delivery = db.deliveries.get(edit.orderId ?? '');
  if (delivery === undefined || delivery.fence !== edit.fence) return;
  if (delivery.state !== 'waiting' && delivery.state !== 'uncertain') return;
  const soon = edit.meaning === 'missing-message' || edit.meaning === 'unreachable';
  const least = soon ? 0 : Math.min(3600, 5 * 2 ** Math.min(delivery.showingTries, 10));
  db.setDelivery(delivery, {
    ...{ showingOwner: null, showingUntil: null, showingTries: delivery.showingTries + 1 },
    askedAt: edit.meaning === 'unreachable' ? null : delivery.askedAt,
    showingDueAt: db.now() + Math.max(retryAfter, least) * 1000,
  });
}

function shownJson(hold: HoldRow | undefined, because: string | null): unknown {
  return { captured: hold?.state === 'captured', because };
}

/** `shown`: shown and captured in one transaction. */
export function shown(db: Tables, orderId: string, nonce: string, messageId: number, fileId: string | null): unknown {
  const edit = knownEdit(db, nonce);
  const hold = edit.orderId === null ? undefined : db.holds.get(edit.orderId);
  if (edit.orderId !== orderId || hold === undefined) {
    return shownJson(hold, 'no edit of this order was begun with this nonce');
  }
  if (edit.answer === 'refused') return shownJson(hold, 'the edit was answered as refused');
  if (hold.state === 'released') return shownJson(hold, 'the credits were released');
  if (edit.answer !== 'shown') db.set(edit, { answer: 'shown', answeredAt: db.now(), failureClass: null });
  const delivery = db.deliveries.get(orderId);
  if (delivery === undefined || !['editing', 'waiting', 'uncertain'].includes(delivery.state)) {
    return shownJson(hold, 'it was shown before');
  }
  db.setDelivery(delivery, {
    ...{ state: 'shown', shownAt: db.now(), shownMessageId: messageId, fileId },
    ...{ showingOwner: null, showingUntil: null, askedAt: null },
  });
  if (hold.state === 'held') settle(db, orderId, 'captured', 'VideoDelivered');
  else writeNotice(db, orderId, 'delivered', { credits: hold.amount });
  return shownJson(hold, null);
}

/** `showable`: captured videos that the bot can show now. */
function showable(db: Tables): string[] {
  return [...db.deliveries.values()]
    .filter(({ orderId, state, askedAt }) => {
      const hold = db.holds.get(orderId);
      if (hold?.state !== 'captured') return false;
      if (state === 'uncertain') return askedAt !== null;
      return state === 'waiting' && (askedAt !== null || db.people.get(hold.userId)?.unreachableSince === null);
    })
    .map(({ orderId }) => orderId);
}

/** `take_showings`. */
export function takeShowings(db: Tables, owner: string, number: number): unknown {
  const at = db.now();
  const due = showable(db)
    .flatMap((orderId) => db.deliveries.get(orderId) ?? [])
    .filter(({ showingUntil, showingDueAt }) => (showingUntil ?? 0) <= at && (showingDueAt ?? at) <= at)
    .toSorted((a, b) => {
      const asked = (a.askedAt ?? Number.MAX_VALUE) - (b.askedAt ?? Number.MAX_VALUE);
      return asked || (db.holds.get(a.orderId)?.settledAt ?? 0) - (db.holds.get(b.orderId)?.settledAt ?? 0);
    })
    .slice(0, number);
  return due.map((row) => {
    db.setDelivery(row, { fence: row.fence + 1, showingOwner: owner, showingUntil: at + 60_000 });
    const order = db.order(row.orderId);
    return {
      ...{ orderId: row.orderId, fence: row.fence, chatId: order.chatId, messageId: order.messageId },
      language: db.people.get(order.userId)?.language,
      ...{ unitPrice: db.settings.unitPrice, fileId: row.fileId, video: videoJson(db, row.orderId) },
    };
  });
}

/** When the next captured video could be shown; infinity when none waits. */
export function nextShowingAt(db: Tables): number {
  let next = Number.POSITIVE_INFINITY;
  for (const orderId of showable(db)) {
    const { showingUntil = 0, showingDueAt = 0 } = db.deliveries.get(orderId) ?? {};
    next = Math.min(next, Math.max(showingUntil ?? 0, showingDueAt ?? 0));
  }
  return next;
}

/** `ask_showing`. */
export function askShowing(db: Tables, orderId: string, userId: number): unknown {
  const hold = db.holds.get(orderId);
  if (hold?.userId !== userId) return { outcome: 'unknown-order' };
  const delivery = db.deliveries.get(orderId);
  if (hold.state !== 'captured' || delivery === undefined) return { outcome: 'not-stored' };
  if (delivery.state === 'shown') return { outcome: 'shown' };
  if (delivery.state !== 'waiting' && delivery.state !== 'uncertain') return { outcome: 'not-stored' };
  db.setDelivery(delivery, { askedAt: delivery.askedAt ?? db.now(), showingDueAt: db.now() });
  db.notify('neurocards_notices', orderId);
  return { outcome: 'queued' };
}

/** The trigger `shown_or_kept_is_captured`, at COMMIT. */
export function checkDeliveriesSettled(db: Tables): void {
  for (const { orderId, state } of db.deliveries.values()) {
    const isKept = state === 'shown' || state === 'waiting' || state === 'uncertain';
    if (isKept && db.holds.get(orderId)?.state !== 'captured')
      throw new RuleError('shown_or_kept_is_captured', orderId);
  }
}
