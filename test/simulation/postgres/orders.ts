import { z } from 'zod';
import { dueEnd } from './clocks.ts';
import { tellsOfAnEnd, writeProgress } from './notices.ts';
import type { GroupRow } from './rows.ts';
import { availableCredits, owedCredits, transfer } from './settlement.ts';
import { iso, RuleError, type Tables } from './tables.ts';

export interface Placement {
  readonly userId: number;
  readonly nonce: string;
  readonly unitPrice: number;
  readonly requestHash: string;
  readonly chatId: number;
  readonly messageId: number;
  readonly language: string;
  readonly template: string;
  readonly productText: string;
  readonly wishes: string | null;
  readonly photoKey: string;
  readonly repeats: string | null;
  readonly orders: readonly { orderId: string; videoJob: string; specHash: string }[];
}

const videoJob = z.object({
  spec: z.object({
    generation: z.object({
      provider: z.string(),
      model: z.string(),
      seconds: z.number(),
      aspectRatio: z.string(),
      audio: z.boolean(),
      maxAttempts: z.number(),
      timeoutSeconds: z.number(),
    }),
    delivery: z.object({ minExecutions: z.number(), timeoutSeconds: z.number(), deadlineSeconds: z.number() }),
    activeDeadlineSeconds: z.number(),
    queueTimeoutSeconds: z.number(),
  }),
});

/** `register_person`. */
export function registerPerson(db: Tables, telegramId: number, language: string): unknown {
  let person = [...db.people.values()].find((row) => row.telegramId === telegramId);
  const created = person === undefined;
  if (person === undefined) {
    const userId = db.people.size + 1;
    person = db.put(db.people, userId, {
      ...{ userId, telegramId, language, seenAt: db.now() },
      ...{ unreachableSince: null, consentedAt: null, consentVersion: null, bannedAt: null },
      referralCode: `code${userId}`,
    });
    for (const part of ['available', 'debt', 'held']) {
      const accountId = `user/${userId}/${part}`;
      db.put(db.accounts, accountId, { accountId, userId, balance: 0, freeBalance: 0, version: 0 });
    }
  } else {
    const wasUnreachable = person.unreachableSince !== null;
    db.set(person, { seenAt: db.now(), unreachableSince: null });
    if (wasUnreachable) {
      retellEnds(db, person.userId);
      db.notify('neurocards_notices', '');
    }
  }
  return {
    ...{ userId: person.userId, language: person.language, consentedAt: iso(person.consentedAt), created },
    ...{ banned: person.bannedAt !== null, referralCode: person.referralCode },
  };
}

/** How an order ended that the person could not be told of. */
function retellEnds(db: Tables, userId: number): void {
  for (const row of db.notices) {
    if (row.ending !== 'unreachable' || !tellsOfAnEnd(row)) continue;
    if (db.order(row.orderId).userId !== userId) continue;
    db.set(row, { endedAt: null, ending: null, leaseOwner: null, leaseUntil: null, dueAt: db.now() });
  }
}

/** `record_consent`. */
export function recordConsent(db: Tables, userId: number, version: string): unknown {
  const person = db.people.get(userId);
  if (person === undefined) throw new RuleError('consent_of_known_person', String(userId));
  if (person.consentVersion !== version) db.set(person, { consentedAt: db.now(), consentVersion: version });
  const amount = db.settings.welcomeCredits;
  const isNew =
    amount > 0 &&
    person.bannedAt === null &&
    transfer(db, {
      ...{ key: `welcome:${userId}`, kind: 'welcome', userId, amount, freeAmount: amount },
      ...{ debit: 'sys/grants', credit: `user/${userId}/available` },
    });
  return { granted: isNew ? amount : 0, available: availableCredits(db, userId) };
}

/** `place_orders`. */
export function placeOrders(db: Tables, placement: Placement): unknown {
  const { userId, nonce, unitPrice, requestHash, orders } = placement;
  const account = db.accounts.get(`user/${userId}/available`);
  if (account === undefined) throw new RuleError('order_of_known_person', String(userId));
  const available = account.balance;
  const before = db.groups.find((row) => row.nonce === nonce);
  if (before !== undefined) return placedBefore(db, before, placement, available);
  const why = refusalOf(db, placement, available);
  const group: GroupRow = {
    ...{ groupId: db.nextId(), userId, nonce, requestHash, count: orders.length, unitPrice },
    ...{ total: orders.length * unitPrice, refused: why },
  };
  db.append(db.groups, group);
  if (why !== null) return refusedPlacement(group, available);
  for (const [index, order] of orders.entries()) writeOrder(db, group, placement, order, index + 1);
  return {
    outcome: 'placed',
    orders: ordersOfGroup(db, group.groupId),
    available: availableCredits(db, userId),
  };
}

function placedBefore(db: Tables, made: GroupRow, placement: Placement, available: number): unknown {
  if (made.userId !== placement.userId || made.requestHash !== placement.requestHash) return { outcome: 'conflict' };
  if (made.refused !== null) return refusedPlacement(made, available);
  return { outcome: 'exists', orders: ordersOfGroup(db, made.groupId), available };
}

function refusedPlacement(made: GroupRow, available: number): unknown {
  return { outcome: 'refused', reason: made.refused, available, needed: made.total };
}

function ordersOfGroup(db: Tables, groupId: number): string[] {
  return [...db.orders.values()]
    .filter((row) => row.groupId === groupId)
    .toSorted((a, b) => a.position - b.position)
    .map(({ orderId }) => orderId);
}

function refusalOf(db: Tables, placement: Placement, available: number): string | null {
  const { acceptingOrders, unitPrice, openOrderLimit } = db.settings;
  const number = placement.orders.length;
  const open = [...db.holds.values()].filter((row) => row.userId === placement.userId && row.state === 'held').length;
  const person = db.people.get(placement.userId);
  if (person?.bannedAt != null) return 'Banned';
  if (!acceptingOrders) return 'OrdersPaused';
  if (person?.consentedAt == null) return 'NoConsent';
  if (owedCredits(db, placement.userId) > 0) return 'InDebt';
  if (unitPrice !== placement.unitPrice) return 'PriceChanged';
  if (number + open > openOrderLimit) return 'TooManyOpenOrders';
  return number * unitPrice > available ? 'InsufficientCredits' : null;
}

function writeOrder(
  db: Tables,
  group: GroupRow,
  placement: Placement,
  item: Placement['orders'][number],
  position: number,
): void {
  const { orderId } = item;
  const { generation, delivery, activeDeadlineSeconds, queueTimeoutSeconds } = videoJob.parse(
    JSON.parse(item.videoJob),
  ).spec;
  const { userId } = group;
  const now = db.now();
  db.put(db.orders, orderId, {
    ...{ orderId, groupId: group.groupId, position, userId, credits: group.unitPrice, chatId: placement.chatId },
    ...{ messageId: position === 1 ? placement.messageId : null, language: placement.language },
    ...{ template: placement.template, productText: placement.productText, wishes: placement.wishes },
    ...{ photoKey: placement.photoKey, repeats: placement.repeats, videoJob: item.videoJob, specHash: item.specHash },
    ...{ provider: generation.provider, model: generation.model, seconds: generation.seconds },
    ...{ aspectRatio: generation.aspectRatio, audio: generation.audio, maxAttempts: generation.maxAttempts },
    ...{ queueSeconds: queueTimeoutSeconds, generationSeconds: activeDeadlineSeconds },
    ...{ furtherTaskSeconds: generation.timeoutSeconds, deliveryMinExecutions: delivery.minExecutions },
    ...{ deliveryExecutionSeconds: delivery.timeoutSeconds, deliverySeconds: delivery.deadlineSeconds },
    ...{ placedAt: now, claimedBy: null, claimedAt: null, admittedAt: null, slowNotedAt: null },
    ...{ relayTries: 0, relayDueAt: now, lookedAt: now, changedAt: null },
  });
  db.notify('neurocards_relay', orderId);
  // Free credits are spent first.
  const freeAmount = Math.min(group.unitPrice, db.accounts.get(`user/${userId}/available`)?.freeBalance ?? 0);
  db.put(db.holds, orderId, {
    ...{
      orderId,
      userId,
      amount: group.unitPrice,
      freeAmount,
      state: 'held',
      reason: null,
      heldAt: now,
      settledAt: null,
    },
  });
  transfer(db, {
    ...{ key: `hold:${orderId}`, kind: 'hold', userId, amount: group.unitPrice, freeAmount, orderId },
    ...{ debit: `user/${userId}/available`, credit: `user/${userId}/held` },
  });
  writeProgress(db, orderId, 'accepted');
}

/** `take_orders_to_relay`. */
export function takeOrdersToRelay(db: Tables, number: number): unknown {
  const at = db.now();
  const due = [...db.orders.values()]
    .filter(
      ({ orderId, claimedBy, relayDueAt }) =>
        claimedBy === null && relayDueAt <= at && db.holds.get(orderId)?.state === 'held',
    )
    .toSorted((a, b) => a.relayDueAt - b.relayDueAt)
    .slice(0, number);
  for (const order of due) {
    const pause = Math.min(20, 2 * 1.6 ** Math.min(order.relayTries, 10)) * 1000;
    db.set(order, { relayTries: order.relayTries + 1, relayDueAt: at + pause });
  }
  return due
    .toSorted((a, b) => a.placedAt - b.placedAt || a.position - b.position)
    .map(({ orderId, videoJob: bytes, specHash, relayTries }) => ({
      ...{ orderId, videoJob: bytes, specHash, tries: relayTries },
      overdue: dueEnd(db, orderId, at) !== null,
    }));
}

/** When the next unclaimed order is due for a POST; infinity when none waits. */
export function nextRelayAt(db: Tables): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { orderId, claimedBy, relayDueAt } of db.orders.values()) {
    if (claimedBy === null && db.holds.get(orderId)?.state === 'held') next = Math.min(next, relayDueAt);
  }
  return next;
}

/** `own_order`. */
export function ownOrder(db: Tables, orderId: string, userId: number): unknown {
  const order = db.orders.get(orderId);
  if (order === undefined || order.userId !== userId) return null;
  const { template, productText, wishes, photoKey, provider, model, seconds, aspectRatio, audio } = order;
  return {
    ...{ orderId, template, productText, wishes, photoKey, unitPrice: db.settings.unitPrice },
    ...{ provider, model, seconds, aspectRatio, audio },
    ageSeconds: Math.max(0, (db.now() - order.placedAt) / 1000),
  };
}

/** `set_suspended`. */
export function setSuspended(db: Tables, orderId: string, uid: string, suspended: boolean): null {
  const hold = db.holds.get(orderId);
  if (hold?.state !== 'held' || db.isSuspended(orderId) === suspended) return null;
  if (db.order(orderId).claimedBy !== uid) return null;
  if (suspended) db.append(db.pauses, { orderId, cause: 'suspended', lower: db.now(), upper: null });
  else {
    const open = db.pauses.find((row) => row.orderId === orderId && row.cause === 'suspended' && row.upper === null);
    if (open !== undefined) db.set(open, { upper: Math.max(db.now(), open.lower) });
  }
  db.touch(orderId);
  return null;
}
