import { z } from 'zod';
import type { KieTask, SystemOrder } from '../../support/system.ts';
import type { Complaint } from './oracles.ts';
import type { Group, Play } from './play.ts';

/*
 * What holds for several orders of one tap together. They share the person, the chat and the words, so what the stand-ins have of them
 * is told apart by the nonce in each task's callback address and by the message that each order owns.
 */

const nonceRow = z.object({ nonce: z.string() });
const messageRow = z.object({ message_id: z.coerce.number().nullable() });
const count = z.object({ count: z.coerce.number() });
const holdsRow = z.object({ orders: z.coerce.number(), holds: z.coerce.number(), credits: z.coerce.number() });

/** The tasks that the provider made for one order. */
export async function tasksOf(play: Play, order: SystemOrder): Promise<KieTask[]> {
  const all = await play.lane.system.tasks(order);
  if (play.groupOf(order).count === 1) return all;
  const nonces = await noncesOf(play, [order]);
  return all.filter((task) => nonces.has(nonceOf(task)));
}

/** Messages of the chat that hold or ever held this order's video, by the stand-in's own record. */
export async function messagesWithVideo(play: Play, order: SystemOrder): Promise<Set<number>> {
  const all = await videoMessages(play, order);
  if (play.groupOf(order).count === 1) return all;
  const own = await messageOf(play, order);
  return new Set([...all].filter((id) => id === own));
}

/** Everything that a tap for several videos may be blamed for beside its single orders. */
export async function groupComplaints(play: Play, group: Group): Promise<Complaint[]> {
  return [
    ...(await partlyHeld(play, group)),
    ...(group.count === 1 ? [] : [...(await strays(play, group)), ...(await mixedUp(play, group))]),
    ...(group.count === 1 ? [] : await summaries(play, group)),
  ];
}

/** All of them were placed with their holds, or none. */
async function partlyHeld(play: Play, { nonce, count: wanted }: Group): Promise<Complaint[]> {
  const sql = `select count(distinct orders.order_id) as orders, count(transfers.transfer_id) as holds,
      coalesce(sum(transfers.amount), 0) as credits
    from ledger.order_groups join ledger.orders using (group_id)
    left join ledger.transfers on transfers.order_id = orders.order_id and transfers.kind = 'hold' where nonce = $1`;
  const [found] = await play.lane.rows(sql, [nonce], holdsRow);
  const { orders, holds, credits } = found ?? { orders: 0, holds: 0, credits: 0 };
  if (orders === wanted && holds === wanted && credits === wanted) return [];
  const wrong = orders > wanted || holds > wanted ? 'doubled' : 'lost';
  return [{ wrong, what: `tap ${nonce} for ${wanted}: ${orders} orders, ${holds} holds of ${credits} credits` }];
}

/** Tasks and videos that none of the orders knows. */
async function strays(play: Play, group: Group): Promise<Complaint[]> {
  const [first] = group.orders;
  if (first === undefined) return [];
  const found: Complaint[] = [];
  const tasks = await play.lane.system.tasks(first);
  const nonces = await noncesOf(play, group.orders);
  for (const task of tasks.filter((one) => !nonces.has(nonceOf(one)))) {
    found.push({ wrong: 'doubled', what: `task ${task.taskId} is of no order of tap ${group.nonce}` });
  }
  const own = new Set(await Promise.all(group.orders.map((order) => messageOf(play, order))));
  for (const id of await videoMessages(play, first)) {
    if (!own.has(id))
      found.push({ wrong: 'doubled', what: `message ${id} holds a video, and no order of ${group.nonce}` });
  }
  return found;
}

const shownRow = z.object({ message_id: z.coerce.number(), video_sha256: z.string() });

/** Each message that became a video holds the film of its own order. */
async function mixedUp(play: Play, { orders }: Group): Promise<Complaint[]> {
  const found: Complaint[] = [];
  for (const order of orders) {
    const sql = `select message_id, video_sha256 from ledger.orders join ledger.deliveries using (order_id)
      join ledger.attempts using (order_id) where order_id = $1 and deliveries.state = 'shown' and attempts.state = 'succeeded'`;
    const [shown] = await play.lane.rows(sql, [order.id], shownRow);
    if (shown === undefined) continue;
    const message = (await order.customer.messages()).find(({ message_id: id }) => id === shown.message_id);
    if (message?.video?.sha256 !== shown.video_sha256) {
      found.push({ wrong: 'violations', what: `${order.id}: its message does not hold its own film` });
    }
  }
  return found;
}

/**
 * The person hears once that all is done. A bot that is struck around the sending says it once more, and one whose answer nobody heard
 * stays unsaid: both are promised so, so that no second charge is told of.
 */
async function summaries(play: Play, { nonce, orders }: Group): Promise<Complaint[]> {
  const ids = orders.map(({ id }) => id);
  const [written] = await play.lane.rows(
    `select count(*) from ledger.notices where order_id = any ($1) and kind = 'summary'`,
    [ids],
    count,
  );
  const [unsure] = await play.lane.rows(
    `select count(*) from ledger.notices where order_id = any ($1) and kind = 'summary' and ending = 'unknown'`,
    [ids],
    count,
  );
  const messages = (await orders[0]?.customer.messages()) ?? [];
  const said = messages.filter(({ from, text }) => from === 'bot' && text?.includes('All done: ') === true).length;
  const least = unsure?.count === 0 ? 1 : 0;
  const most = play.mayRepeatWords ? 2 : 1;
  if (written?.count === 1 && said >= least && said <= most) return [];
  const wrong = said > most ? 'doubled' : said < least ? 'lost' : 'violations';
  return [{ wrong, what: `tap ${nonce}: ${written?.count} summaries written, ${said} said` }];
}

async function noncesOf(play: Play, orders: readonly SystemOrder[]): Promise<Set<string>> {
  const sql = `select nonce from ledger.submit_nonces join ledger.attempts using (attempt_id) where order_id = any ($1)`;
  const rows = await play.lane.rows(sql, [orders.map(({ id }) => id)], nonceRow);
  return new Set(rows.map(({ nonce }) => nonce));
}

/** The last part of the address that a task calls back. */
const nonceOf = ({ callBackUrl }: KieTask): string => callBackUrl?.split('/').at(-1) ?? '';

async function messageOf(play: Play, { id }: SystemOrder): Promise<number | undefined> {
  const [row] = await play.lane.rows('select message_id from ledger.orders where order_id = $1', [id], messageRow);
  return row?.message_id ?? undefined;
}

async function videoMessages(play: Play, order: SystemOrder): Promise<Set<number>> {
  const edits = await play.lane.system.telegramCalls(order, 'editMessageMedia');
  const sent = await play.lane.system.telegramCalls(order, 'sendVideo');
  const shown = [...edits, ...sent].filter(({ processed, media }) => processed && media === 'video');
  return new Set(shown.flatMap(({ message_id: id }) => id ?? []));
}
