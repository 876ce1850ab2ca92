import { placeOf } from './admission.ts';
import { isCancellable, usualSeconds } from './clocks.ts';
import type { NoticeRow } from './rows.ts';
import { availableCredits, owedCredits } from './settlement.ts';
import type { Tables } from './tables.ts';

/** `write_notice`: a fact is told once, however often it is found. */
export function writeNotice(db: Tables, orderId: string, kind: string, fact: Record<string, unknown>): void {
  if (kind !== 'progress' && db.notices.some((row) => row.orderId === orderId && row.kind === kind)) return;
  const now = db.now();
  db.append(db.notices, {
    ...{ noticeId: db.nextId(), orderId, chatId: db.order(orderId).chatId, kind, fact },
    ...{ writtenAt: now, dueAt: now, leaseOwner: null, leaseUntil: null, endedAt: null, ending: null },
  });
  db.notify('neurocards_notices', orderId);
}

export function writeProgress(db: Tables, orderId: string, stage: string): void {
  writeNotice(db, orderId, 'progress', { stage });
}

function dropStaleNotices(db: Tables, at: number): void {
  const stale = db.notices.filter(
    ({ endedAt, kind, leaseUntil }) =>
      endedAt === null && (kind === 'progress' || kind === 'slow') && (leaseUntil === null || leaseUntil < at),
  );
  const endings = stale.map((row) => ({ row, ending: staleEnding(db, row) }));
  for (const { row, ending } of endings) if (ending !== null) db.set(row, { endedAt: at, ending });
}

function staleEnding(db: Tables, row: NoticeRow): string | null {
  if (db.deliveries.has(row.orderId) || db.holds.get(row.orderId)?.state !== 'held') return 'dropped';
  if (row.kind !== 'progress') return null;
  const isReplaced = db.notices.some(
    (newer) => newer.orderId === row.orderId && newer.kind === 'progress' && newer.noticeId > row.noticeId,
  );
  return isReplaced ? 'replaced' : null;
}

/** `take_notices`. */
export function takeNotices(db: Tables, owner: string, number: number): unknown {
  const at = db.now();
  dropStaleNotices(db, at);
  const chats = new Set<number>();
  const due = db.notices
    .filter(({ endedAt, chatId }) => {
      if (endedAt !== null || chats.has(chatId)) return false;
      chats.add(chatId);
      return true;
    })
    .filter(({ dueAt, leaseUntil }) => dueAt <= at && (leaseUntil === null || leaseUntil < at))
    .slice(0, number);
  for (const row of due) db.set(row, { leaseOwner: owner, leaseUntil: at + 25_000 });
  return due.map((row) => noticeJson(db, row));
}

function noticeJson(db: Tables, row: NoticeRow): unknown {
  const order = db.order(row.orderId);
  return {
    ...{ noticeId: row.noticeId, orderId: row.orderId, userId: order.userId, chatId: row.chatId },
    language: db.people.get(order.userId)?.language,
    ...{ position: order.position, count: db.groups.find(({ groupId }) => groupId === order.groupId)?.count },
    messageId: row.kind === 'summary' ? summaryMessage(db, order.groupId) : order.messageId,
    available: availableCredits(db, order.userId),
    debt: owedCredits(db, order.userId),
    unitPrice: db.settings.unitPrice,
    fact: { kind: row.kind, ...row.fact, ...factOf(db, row) },
  };
}

/** Where a summary can be said when nobody knows whether it was: a message that did not become a video. */
function summaryMessage(db: Tables, groupId: number): number | null {
  const failed = [...db.orders.values()].filter(
    (row) => row.groupId === groupId && row.messageId !== null && db.holds.get(row.orderId)?.state === 'released',
  );
  return failed.toSorted((a, b) => b.position - a.position)[0]?.messageId ?? null;
}

function factOf(db: Tables, row: NoticeRow): Record<string, unknown> {
  const order = db.order(row.orderId);
  if (row.kind === 'slow') return { usualSeconds: usualSeconds(db, order.model) };
  if (row.kind !== 'progress') return {};
  return {
    place: row.fact['stage'] === 'queued' ? placeOf(db, row.orderId) : null,
    usualSeconds: usualSeconds(db, order.model),
    elapsedSeconds: Math.max(0, (db.now() - (order.admittedAt ?? order.placedAt)) / 1000),
    cancellable: isCancellable(db, row.orderId),
  };
}

/** What is told again to whoever could not be told: nobody learns of a refund from a balance. */
export function tellsOfAnEnd({ kind }: NoticeRow): boolean {
  return kind === 'failed' || kind === 'summary';
}

/** `end_notice`. */
export function endNotice(db: Tables, noticeId: number, ending: string): null {
  const row = db.notices.find((one) => one.noticeId === noticeId);
  if (row === undefined || row.endedAt !== null) return null;
  const now = db.now();
  if (ending === 'unreachable') {
    const person = db.people.get(db.order(row.orderId).userId);
    // Whoever was seen since the notice was taken is back, and is told how an order ended.
    const takenAt = row.leaseUntil === null ? now : row.leaseUntil - 25_000;
    const isBack = person !== undefined && person.seenAt > takenAt;
    if (isBack && tellsOfAnEnd(row)) {
      db.set(row, { dueAt: now, leaseOwner: null, leaseUntil: null });
      return null;
    }
    if (!isBack && person !== undefined && person.unreachableSince === null) db.set(person, { unreachableSince: now });
  }
  db.set(row, { endedAt: now, ending });
  return null;
}

/** `postpone_notice`. */
export function postponeNotice(db: Tables, noticeId: number, seconds: number): null {
  const row = db.notices.find((one) => one.noticeId === noticeId);
  if (row === undefined || row.endedAt !== null) return null;
  const wait = Math.max(0, Math.min(seconds, 86_400)) * 1000;
  db.set(row, { dueAt: db.now() + wait, leaseOwner: null, leaseUntil: null });
  return null;
}

/** When the next notice could be taken; infinity when none waits. */
export function nextNoticeAt(db: Tables): number {
  let next = Number.POSITIVE_INFINITY;
  const chats = new Set<number>();
  for (const { endedAt, dueAt, leaseUntil, chatId } of db.notices) {
    // The others of its chat wait for it.
    if (endedAt !== null || chats.has(chatId)) continue;
    chats.add(chatId);
    next = Math.min(next, Math.max(dueAt, leaseUntil === null ? 0 : leaseUntil + 1));
  }
  return next;
}
