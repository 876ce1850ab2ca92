import type { StoredObject } from './api-server.ts';
import { conditionsOf } from './conditions.ts';
import type { World } from './world.ts';

/*
 * How a world ended, for whoever compares two runs: everything that stays, without names, numbers and instants, which another order of
 * things makes others. What is told on the way (progress, "it takes longer") depends on the hour, and is left out.
 */

const onTheWay = new Set(['progress', 'slow']);

/** One line for each thing that stays, in an order of its own. */
export function endingOf(world: World): string[] {
  const { tables, telegram, provider, objects, server, crowd } = world;
  const orders = [...tables.orders.keys()].flatMap((orderId) => orderLines(world, orderId));
  const accounts = [...tables.accounts.values()].map(
    ({ accountId, balance, freeBalance }) => `${accountId} ${balance} (${freeBalance})`,
  );
  const chats = [...telegram.rooms.values()].flatMap(({ chatId, messages }) =>
    messages
      .filter(({ isDeleted }) => !isDeleted)
      .map(({ text, film }) => `chat ${chatId}: ${film === null ? nameless(text) : 'a film'}`),
  );
  const nonces = [...tables.submitNonces.values()].map(({ answer }) => `submit ${answer}`);
  const stored = [...objects.keys()].map((key) => `object ${key.split('/')[0]}`);
  return [
    ...orders,
    ...[accounts, chats, nonces, stored].flatMap((lines) => lines.toSorted()),
    ...server.list('videojobs').map(videoJobLine).toSorted(),
    `Jobs ${server.list('jobs').length}`,
    `tasks ${provider.tasks.length}, photos ${provider.photos.size}`,
    `taps ${crowd.taps}, answered ${telegram.answered.size}, confirmed ${telegram.confirmed.size}`,
  ];
}

function orderLines({ tables }: World, orderId: string): string[] {
  const hold = tables.holds.get(orderId);
  const kinds = tables.transfers.filter((row) => row.orderId === orderId).map(({ kind }) => kind);
  const attempts = tables
    .attemptsOf(orderId)
    .map(
      ({ state, failureClass, providerState, prompt, photoUrl }) =>
        `${state} ${failureClass ?? ''} ${providerState ?? ''} ${prompt === null ? 'no prompt' : ''} ${photoUrl === null ? 'no photo' : ''}`,
    );
  const executions = tables.executions
    .filter((row) => row.orderId === orderId)
    .map(
      ({ stage, endCause, leasedAt }) => `${stage} ${leasedAt === null ? 'never leased' : ''} ${endCause ?? 'open'}`,
    );
  const notices = tables.notices
    .filter((row) => row.orderId === orderId && !onTheWay.has(row.kind))
    .map(({ kind, ending }) => `${kind} ${ending ?? 'waits'}`);
  const edits = [...tables.edits.values()]
    .filter((row) => row.orderId === orderId)
    .map(({ answer }) => `edit ${answer}`);
  return [
    `${hold?.state} ${hold?.reason}: ${kinds.join()}`,
    `delivery ${tables.deliveries.get(orderId)?.state ?? 'none'}`,
    ...[attempts, executions, notices, edits].map((lines) => lines.join('; ')),
  ];
}

function videoJobLine({ metadata, status }: StoredObject): string {
  const said = conditionsOf(status).map((one) => `${one.type}=${one.status} ${one.reason}`);
  return `VideoJob ${said.toSorted().join(', ')}, finalizers ${(metadata.finalizers ?? []).length}`;
}

function nameless(text: string): string {
  return text.replaceAll(/\b[a-z2-7]{12}\b/g, 'ID');
}
