import type { AttemptRow, DeliveryRow, OrderRow, Stage } from './rows.ts';
import type { Tables } from './tables.ts';

/** `failure_classes`: whose fault, and whether another task may follow. */
const newTask = new Set([
  'operator-balance',
  'operator-key',
  'operator-model',
  'operator-request',
  'operator-url',
  'provider-rate',
  'provider-busy',
  'provider-internal',
  'delivery-flood',
  'delivery-network',
  'delivery-token',
]);
const userReasons: Readonly<Record<string, string>> = {
  'user-person': 'ContentRejected',
  'user-minor': 'ContentRejected',
  'user-policy': 'ContentRejected',
  'user-brand': 'ContentRejected',
  'user-prompt': 'PromptRejected',
  'user-photo': 'PhotoUnsuitable',
};

/** `clock_end`: when a clock that began then runs out, without what was paused since. */
function clockEnd(
  db: Tables,
  orderId: string,
  began: number | null,
  seconds: number,
  ofDelivery: boolean,
): number | null {
  if (began === null) return null;
  const found = db.pauses
    .filter((row) => row.orderId === orderId && (row.cause === 'suspended' || ofDelivery))
    .map(({ lower, upper }) => ({ from: Math.max(lower, began), to: upper ?? Number.POSITIVE_INFINITY }))
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.from - b.from);
  let paused = 0;
  let current: { from: number; to: number } | undefined;
  const close = (): void => {
    if (current !== undefined && Number.isFinite(current.to)) paused += current.to - current.from;
  };
  for (const one of found) {
    if (current !== undefined && one.from <= current.to) current.to = Math.max(current.to, one.to);
    else {
      close();
      current = { ...one };
    }
  }
  close();
  return began + seconds * 1000 + paused;
}

export interface Clocks {
  queue: number | null;
  generation: number | null;
  furtherTask: number | null;
  delivery: number | null;
  hold: number;
}

const dayMs = 24 * 3_600_000;

/** `clocks_of`. */
export function clocksOf(db: Tables, orderId: string): Clocks {
  const order = db.order(orderId);
  const clocks: Clocks = {
    queue: null,
    generation: null,
    furtherTask: null,
    delivery: null,
    hold: (db.holds.get(orderId)?.heldAt ?? 0) + dayMs,
  };
  if (db.isSuspended(orderId)) return clocks;
  let firstTask: number | null = null;
  let stored = false;
  for (const { acceptedAt, state } of db.attemptsOf(orderId)) {
    if (acceptedAt !== null) firstTask = Math.min(firstTask ?? acceptedAt, acceptedAt);
    stored ||= state === 'succeeded';
  }
  if (order.admittedAt === null) {
    clocks.queue = clockEnd(db, orderId, order.placedAt, order.queueSeconds, false);
  } else if (!stored) {
    clocks.generation = clockEnd(db, orderId, order.admittedAt, order.generationSeconds, false);
    clocks.furtherTask = clockEnd(db, orderId, firstTask, order.furtherTaskSeconds, false);
  } else {
    const first = db
      .executionsOf(orderId, 'delivery')
      .reduce<number | null>((least, { openedAt }) => Math.min(least ?? openedAt, openedAt), null);
    clocks.delivery = clockEnd(db, orderId, first, order.deliverySeconds, true);
  }
  return clocks;
}

/** `another_allowed`. */
export function anotherAllowed(db: Tables, attempt: AttemptRow, at: number): boolean {
  if (attempt.state !== 'failed' && attempt.state !== 'rejected') return false;
  if (db.holds.get(attempt.orderId)?.state !== 'held') return false;
  if (attempt.failureClass === null || !newTask.has(attempt.failureClass)) return false;
  if (attempt.n >= db.order(attempt.orderId).maxAttempts) return false;
  const { furtherTask, generation, hold } = clocksOf(db, attempt.orderId);
  if ((furtherTask !== null && furtherTask <= at) || (generation !== null && generation <= at) || hold <= at) {
    return false;
  }
  return !db.attempts.some((later) => later.orderId === attempt.orderId && later.n > attempt.n);
}

/** Executions of the attempt that ever held its lease. */
export function leasedExecutions(db: Tables, attempt: AttemptRow): { count: number; open: boolean; last: number } {
  let count = 0;
  let open = false;
  let last = Number.NEGATIVE_INFINITY;
  for (const row of db.executionsOf(attempt.orderId, 'generation')) {
    if (row.attemptN !== attempt.n || row.leasedAt === null) continue;
    count += 1;
    open ||= row.endedAt === null;
    last = Math.max(last, row.endedAt ?? Number.NEGATIVE_INFINITY);
  }
  return { count, open, last };
}

export interface DueEnd {
  readonly reason: string;
  readonly since: number;
}

/** `due_end`: the end that an open order has come to by itself. */
export function dueEnd(db: Tables, orderId: string, at: number): DueEnd | null {
  if (db.holds.get(orderId)?.state !== 'held') return null;
  const order = db.order(orderId);
  const clocks = clocksOf(db, orderId);
  const delivery = db.deliveries.get(orderId);
  if (delivery !== undefined) return dueDeliveryEnd(db, order, delivery, clocks, at);
  if (order.admittedAt === null) {
    const since = Math.min(clocks.queue ?? Number.POSITIVE_INFINITY, clocks.hold);
    return since <= at ? { reason: 'WaitedTooLong', since } : null;
  }
  const attempt = db.latestAttempt(orderId);
  if (attempt === undefined) return null;
  return dueGenerationEnd(db, attempt, clocks, at);
}

function dueGenerationEnd(db: Tables, attempt: AttemptRow, clocks: Clocks, at: number): DueEnd | null {
  const { state } = attempt;
  const isOver = state === 'failed' || state === 'rejected';
  if (isOver && !anotherAllowed(db, attempt, at)) {
    return { reason: userReasons[attempt.failureClass ?? ''] ?? 'GenerationFailed', since: attempt.endedAt ?? at };
  }
  if (state === 'ready' && clocks.furtherTask !== null && clocks.furtherTask <= at) {
    return { reason: 'GenerationFailed', since: clocks.furtherTask };
  }
  const leased = leasedExecutions(db, attempt);
  const isLive = state === 'ready' || state === 'intent' || state === 'unknown' || state === 'accepted';
  if (isLive && leased.count >= 5 && !leased.open) return { reason: 'GenerationFailed', since: leased.last };
  const since = Math.min(clocks.generation ?? Number.POSITIVE_INFINITY, clocks.hold);
  if (since > at) return null;
  if (isOver || (state === 'ready' && attempt.n > 1)) return { reason: 'GenerationFailed', since };
  if (state === 'intent' || state === 'unknown') return { reason: 'ProviderOutcomeUnknown', since };
  if (state === 'accepted') return { reason: 'GenerationDeadlineExceeded', since };
  return { reason: leased.count === 0 ? 'PodStartFailed' : 'ProviderUnavailable', since };
}

function dueDeliveryEnd(
  db: Tables,
  order: OrderRow,
  delivery: DeliveryRow,
  { delivery: deadline, hold }: Clocks,
  at: number,
): DueEnd | null {
  const ended = db.executionsOf(order.orderId, 'delivery').flatMap(({ endedAt }) => endedAt ?? []);
  let since: number;
  if (delivery.refusedAt !== null) since = delivery.refusedAt;
  else if (deadline !== null && deadline <= at && ended.length >= order.deliveryMinExecutions) {
    since = Math.max(deadline, ...ended);
  } else if (hold <= at) since = hold;
  else return null;
  return { reason: db.editsUnanswered(order.orderId) > 0 ? 'DeliveryUnconfirmed' : 'DeliveryFailed', since };
}

/** `remaining_seconds`. */
export function remainingSeconds(db: Tables, orderId: string, stage: Stage): number {
  const { hold, generation } = clocksOf(db, orderId);
  const now = db.now();
  const own =
    stage === 'delivery'
      ? db.order(orderId).deliveryExecutionSeconds
      : generation === null
        ? Number.POSITIVE_INFINITY
        : (generation - now) / 1000;
  return Math.max(0, Math.min((hold - now) / 1000, own));
}

/** `usual_seconds`: the median of the last 50 videos of the model, where there are three. */
export function usualSeconds(db: Tables, model: string): number {
  const seconds: { placedAt: number; value: number }[] = [];
  for (const attempt of db.attempts) {
    if (attempt.state !== 'succeeded' || attempt.endedAt === null) continue;
    const order = db.order(attempt.orderId);
    if (order.model !== model || order.admittedAt === null) continue;
    if (db.holds.get(attempt.orderId)?.state !== 'captured') continue;
    seconds.push({ placedAt: order.placedAt, value: (attempt.endedAt - order.admittedAt) / 1000 });
  }
  const recent = seconds
    .sort((a, b) => b.placedAt - a.placedAt)
    .slice(0, 50)
    .map(({ value }) => value)
    .sort((a, b) => a - b);
  if (recent.length < 3) return db.settings.usualSeconds;
  const middle = (recent.length - 1) / 2;
  const low = recent[Math.floor(middle)] ?? 0;
  const high = recent[Math.ceil(middle)] ?? low;
  return Math.max(1, (low + high) / 2);
}

/** `is_cancellable`: nothing paid runs, may run, or has made a video. */
export function isCancellable(db: Tables, orderId: string): boolean {
  return !db.attempts.some(
    ({ orderId: of, state }) =>
      of === orderId && (state === 'intent' || state === 'unknown' || state === 'accepted' || state === 'succeeded'),
  );
}
