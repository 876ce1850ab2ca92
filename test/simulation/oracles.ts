import { videoJobName } from '../../src/videojob/names.ts';
import { disallowedEnd } from './allowed-ends.ts';
import type { StoredObject } from './api-server.ts';
import { finishedReason } from './conditions.ts';
import { nextShowingAt } from './postgres/deliveries.ts';
import type { HoldRow } from './postgres/rows.ts';
import type { World } from './world.ts';

/** What an oracle found. The kinds are the figures of the summary; the oracle's name tells which promise is broken. */
export interface Finding {
  readonly kind: 'lost' | 'doubled' | 'stuck' | 'violation';
  readonly oracle:
    | 'money equation'
    | 'settled once'
    | 'paid tasks'
    | 'captured is shown or kept'
    | 'released is never shown'
    | 'everything terminal in time'
    | 'no acknowledged result lost'
    | 'nothing unclassified'
    | 'status says what the books say'
    | 'the end the workload allows';
  readonly text: string;
}

/** Whether everything that was begun has come to its end: nothing moves any more by itself. */
export function isAtRest(world: World): boolean {
  return unrest(world) === null;
}

/** What still has to come to its end, for the finding; null when nothing. */
export function unrest(world: World): string | null {
  const { tables, server, cluster, crowd, network } = world;
  if (!crowd.isQuiet) return 'a tap was not answered';
  for (const { orderId, state } of tables.holds.values()) if (state === 'held') return `order ${orderId} is held`;
  if (network.flying > 0) return 'a request is still on its way';
  if (cluster.running > 0) return 'a pod still runs';
  for (const object of server.list('videojobs')) {
    const why = unfinished(object);
    if (why !== null) return `${object.metadata.name} ${why}`;
  }
  for (const { endedAt, kind, orderId } of tables.notices) {
    if (endedAt === null) return `the notice "${kind}" of ${orderId} was not told`;
  }
  if (Number.isFinite(nextShowingAt(tables))) return 'a captured video waits to be shown';
  return null;
}

function unfinished({ metadata, status }: StoredObject): string | null {
  if ((metadata.finalizers ?? []).length > 0) return 'still has its finalizer';
  return finishedReason(status) === undefined && metadata.deletionTimestamp === undefined ? 'is not Finished' : null;
}

/** Everything the oracles have to say about a world at its end; from its rows and from the other sides' own books. */
export function judge(world: World, isLate: boolean): Finding[] {
  const found: Finding[] = [];
  const add = (kind: Finding['kind'], oracle: Finding['oracle'], text: string): void => {
    found.push({ kind, oracle, text });
  };
  if (isLate) add('stuck', 'everything terminal in time', unrest(world) ?? 'at rest only at the last moment');
  judgeMoney(world, add);
  judgeTasks(world, add);
  for (const hold of world.tables.holds.values()) {
    judgeScreen(world, hold, add);
    judgeStatus(world, hold, add);
    const why = disallowedEnd(world, hold);
    if (why !== null) add('violation', 'the end the workload allows', why);
  }
  for (const [orderId, what] of world.crowd.acknowledged) {
    const hold = world.tables.holds.get(orderId);
    const isKept = what === 'placed' ? hold !== undefined : hold?.state === 'released';
    if (!isKept)
      add('lost', 'no acknowledged result lost', `order ${orderId} was ${what}, and is ${hold?.state ?? 'gone'}`);
  }
  for (const update of world.crowd.lostUpdates) {
    add('lost', 'no acknowledged result lost', `update ${update} was confirmed, and is not stored`);
  }
  for (const text of world.faultsOfOurs) add('violation', 'nothing unclassified', text);
  return found;
}

type Add = (kind: Finding['kind'], oracle: Finding['oracle'], text: string) => void;

function judgeMoney({ tables }: World, add: Add): void {
  let held = 0;
  let have = 0;
  for (const { accountId, balance, userId } of tables.accounts.values()) {
    if (userId === null) continue;
    if (balance < 0) add('lost', 'money equation', `${accountId} is negative`);
    have += balance;
    if (accountId.endsWith('/debt')) {
      have -= 2 * balance;
      continue;
    }
    if (accountId.endsWith('/held')) held += balance;
  }
  let granted = 0;
  let captured = 0;
  for (const { kind, amount } of tables.transfers) {
    if (kind === 'welcome' || kind === 'grant') granted += amount;
    if (kind === 'capture') captured += amount;
  }
  if (have !== granted - captured) add('lost', 'money equation', `people have ${have}, of ${granted} - ${captured}`);
  let open = 0;
  for (const { state, amount, orderId } of tables.holds.values()) {
    if (state === 'held') open += amount;
    const kinds = tables.transfers.filter((row) => row.orderId === orderId).map(({ kind }) => kind);
    const wanted = { held: ['hold'], captured: ['hold', 'capture'], released: ['hold', 'release'] }[state];
    if (kinds.join() !== wanted.join()) {
      add(kinds.length > 2 ? 'doubled' : 'violation', 'settled once', `${orderId} is ${state} with ${kinds.join()}`);
    }
  }
  if (open !== held) add('lost', 'money equation', `${held} are held for orders of ${open}`);
}

/** Which order the provider's task was made for, by the nonce in its own books. */
function orderOfTask({ tables }: World, nonce: string | undefined): string | undefined {
  const attemptId = tables.submitNonces.get(nonce ?? '')?.attemptId;
  return attemptId == null ? undefined : tables.attempt(attemptId)?.orderId;
}

function judgeTasks(world: World, add: Add): void {
  const { provider, tables, engine } = world;
  const tasks = new Map<string, { made: number; failed: number }>();
  for (const { taskId, nonce, outcome, readyAt } of provider.tasks) {
    const orderId = orderOfTask(world, nonce);
    if (orderId === undefined || tables.orders.get(orderId)?.claimedBy == null) {
      add('violation', 'paid tasks', `${taskId} was paid for no claimed order`);
      continue;
    }
    const known = tasks.get(orderId) ?? { made: 0, failed: 0 };
    const isFailed = (outcome === 'failure' || outcome === 'verdict') && readyAt <= engine.now;
    tasks.set(orderId, { made: known.made + 1, failed: known.failed + (isFailed ? 1 : 0) });
  }
  for (const [orderId, { made, failed }] of tasks) {
    const confirmed = tables.attemptsOf(orderId).filter(({ state }) => state === 'failed').length;
    if (made > 1 + Math.min(failed, confirmed)) {
      add('doubled', 'paid tasks', `${orderId} has ${made} tasks, ${failed} of them failed`);
    }
  }
}

function judgeScreen(world: World, { orderId, state, userId }: HoldRow, add: Add): void {
  const { telegram, tables, provider, objects } = world;
  const films = provider.tasks.filter(({ nonce }) => orderOfTask(world, nonce) === orderId).map(({ taskId }) => taskId);
  const chatId = tables.order(orderId).chatId;
  const shown = telegram.shown.filter(({ film }) => films.includes(film));
  if (shown.some((one) => one.chatId !== chatId)) {
    add('violation', 'captured is shown or kept', `the video of ${orderId} is on somebody else's screen (${userId})`);
  }
  const copies = telegram
    .room(chatId)
    .messages.filter(({ film, isDeleted }) => !isDeleted && films.includes(film ?? ''));
  if (copies.length > 1) add('doubled', 'captured is shown or kept', `${orderId} is shown ${copies.length} times`);
  if (state === 'released' && shown.length > 0) {
    add('violation', 'released is never shown', `${orderId} was given back and is on the screen`);
  }
  if (state !== 'captured') return;
  const delivery = tables.deliveries.get(orderId);
  const attempt = tables.attemptsOf(orderId).find((row) => row.state === 'succeeded');
  const isStored = attempt?.videoKey != null && objects.has(attempt.videoKey);
  const isKept = isStored && (delivery?.state === 'waiting' || delivery?.state === 'uncertain');
  const isShown = delivery?.state === 'shown' && shown.some(({ film }) => film === attempt?.taskId);
  if (!isKept && !isShown) {
    add('lost', 'captured is shown or kept', `${orderId} is paid, its delivery ${delivery?.state ?? 'absent'}`);
  }
}

/** The object of the claimant, where it is still there, tells what the books tell. */
function judgeStatus({ server, tables }: World, { orderId, state, reason }: HoldRow, add: Add): void {
  const object = server.find('videojobs', videoJobName(orderId));
  if (object === undefined || object.metadata.uid !== tables.order(orderId).claimedBy || state === 'held') return;
  const said = finishedReason(object.status);
  if (said !== undefined && said !== reason) {
    add('violation', 'status says what the books say', `${orderId} ended with ${reason}, and its object says ${said}`);
  }
}
