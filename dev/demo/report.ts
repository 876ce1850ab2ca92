import pg from 'pg';
import { z } from 'zod';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { VIDEOJOBS } from '../../src/kube/resources.ts';
import { findCondition } from '../../src/videojob/conditions.ts';
import { videoJobName } from '../../src/videojob/names.ts';
import { parseVideoJob } from '../../src/videojob/parse.ts';
import { buttonsOf, createCustomer } from './customer.ts';
import type { Endpoints } from './endpoints.ts';
import type { PlayedOrder } from './script.ts';

export interface OrderReport {
  order: string;
  videoJob: string;
  /** Reason of `Finished`. */
  outcome: string;
  /** Reason of `CreditsSettled`. */
  credits: string;
  secondsTapToCreateTask: number | null;
  secondsProviderDoneToChat: number | null;
  paidTasks: number;
  videosInChat: number;
  videoBytes: number | null;
}

export interface Report {
  orders: OrderReport[];
  ledger: { granted: number; held: number; captured: number; available: number };
  apiWritesPerVideoJob: number;
}

const kieTask = z.object({
  taskId: z.string(),
  createdAt: z.number(),
  finishedAt: z.number().optional(),
  paid: z.boolean(),
});
const kieCall = z.object({ method: z.string(), time: z.number(), outcome: z.string(), taskId: z.string().optional() });
const telegramCall = z.looseObject({
  method: z.string(),
  chat: z.number().optional(),
  message_id: z.number().optional(),
  outcome: z.string(),
  finishedAt: z.string().optional(),
});

/**
 * What became of the orders of the script, told by those who do not share our books: the stand-ins' journals, the API server's own
 * counters, and the sums of the ledger. The tap is the moment the script pressed the button.
 */
export async function writeReport(
  endpoints: Endpoints,
  played: readonly PlayedOrder[],
  writesBefore: number,
): Promise<Report> {
  const kube = createKubeClient({ kubeconfig: endpoints.kubeconfig, userAgent: 'neurocards-demo' });
  const database = new pg.Client({ connectionString: endpoints.databaseUrl });
  await database.connect();
  try {
    const orders: OrderReport[] = [];
    for (const order of played) orders.push(await reportOrder(order, endpoints, kube, database));
    return {
      orders,
      ledger: await sums(database),
      apiWritesPerVideoJob: round(((await countWrites(kube)) - writesBefore) / Math.max(1, played.length)),
    };
  } finally {
    await database.end();
    await kube.close();
  }
}

async function reportOrder(
  { order, chat, tappedAt }: PlayedOrder,
  endpoints: Endpoints,
  kube: KubeClient,
  database: pg.Client,
): Promise<OrderReport> {
  const name = videoJobName(order);
  const conditions = await finishedConditions(kube, endpoints.namespace, name);
  const taskIds = await tasksOf(database, order);
  const tasks = (await json(`${endpoints.kie}/dev/tasks`, z.array(kieTask))).filter(({ taskId }) =>
    taskIds.has(taskId),
  );
  const calls = await json(`${endpoints.kie}/dev/journal`, z.array(kieCall));
  const createTask = calls.find(
    ({ method, taskId }) => method === 'createTask' && taskId !== undefined && taskIds.has(taskId),
  );
  const shown = (await createCustomer(endpoints.telegram, chat, 'en').messages()).filter(
    (message) =>
      message.video !== undefined &&
      buttonsOf(message).some(({ press }) => press.kind === 'again' && press.order === order),
  );
  const done = tasks.find(({ paid }) => paid)?.finishedAt;
  const inChat = await shownAt(endpoints.telegram, chat, shown[0]?.message_id);
  return {
    order,
    videoJob: name,
    outcome: findCondition(conditions, 'Finished')?.reason ?? 'none',
    credits: findCondition(conditions, 'CreditsSettled')?.reason ?? 'none',
    secondsTapToCreateTask: createTask === undefined ? null : round((createTask.time - tappedAt.getTime()) / 1000),
    secondsProviderDoneToChat: done === undefined || inChat === undefined ? null : round((inChat - done) / 1000),
    paidTasks: tasks.filter(({ paid }) => paid).length,
    videosInChat: shown.length,
    videoBytes: shown[0]?.video?.file_size ?? null,
  };
}

/** The status is mirrored a moment after the ledger settled. */
async function finishedConditions(kube: KubeClient, namespace: string, name: string) {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const { conditions } = parseVideoJob(await kube.get(VIDEOJOBS, { namespace, name })).status;
    if (findCondition(conditions, 'Finished')?.status === 'True' || Date.now() > deadline) return conditions;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function shownAt(telegram: string, chat: number, messageId: number | undefined): Promise<number | undefined> {
  if (messageId === undefined) return undefined;
  const edits = await json(`${telegram}/dev/journal?method=editMessageMedia`, z.array(telegramCall));
  const edit = edits.find((call) => call.chat === chat && call.message_id === messageId && call.outcome === 'ok');
  return edit?.finishedAt === undefined ? undefined : Date.parse(edit.finishedAt);
}

async function tasksOf(database: pg.Client, order: string): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<Record<string, unknown>>(
    'select task_id from ledger.attempts where order_id = $1 and task_id is not null',
    [order],
  );
  return new Set(
    z
      .array(z.object({ task_id: z.string() }))
      .parse(rows)
      .map(({ task_id }) => task_id),
  );
}

const sumsRow = z.object({
  granted: z.coerce.number(),
  held: z.coerce.number(),
  captured: z.coerce.number(),
  available: z.coerce.number(),
});

async function sums(database: pg.Client): Promise<Report['ledger']> {
  const { rows } = await database.query<Record<string, unknown>>(`
    select
      (select coalesce(sum(amount), 0) from ledger.transfers where kind in ('welcome', 'grant')) as granted,
      (select coalesce(sum(balance), 0) from ledger.accounts where account_id like 'user/%/held') as held,
      (select coalesce(sum(amount), 0) from ledger.transfers where kind = 'capture') as captured,
      (select coalesce(sum(balance), 0) from ledger.accounts where account_id like 'user/%/available') as available`);
  return sumsRow.parse(rows[0]);
}

/** Successful mutating requests on videojobs, jobs and pods, by the API server's own counter. */
export async function countWrites(kube: KubeClient): Promise<number> {
  const metrics = await kube.transport.stream({
    path: '/metrics',
    query: {},
    signal: AbortSignal.timeout(15_000),
    idleTimeoutMs: 15_000,
  });
  const chunks: Buffer[] = [];
  for await (const chunk of metrics) chunks.push(chunk);
  let sum = 0;
  for (const line of Buffer.concat(chunks).toString('utf8').split('\n')) {
    if (!line.startsWith('apiserver_request_total{')) continue;
    const label = (name: string): string => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? '';
    const counts =
      /^(videojobs|jobs|pods)$/.test(label('resource')) &&
      /^(POST|PUT|PATCH|DELETE|APPLY)$/.test(label('verb')) &&
      label('code').startsWith('2');
    if (counts) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

async function json<T>(url: string, shape: z.ZodType<T>): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${new URL(url).pathname} of a stand-in answered ${response.status}`);
  return shape.parse(await response.json());
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** What is not as it should be; empty when all three orders went right. */
export function judge({ orders, ledger }: Report, played: readonly PlayedOrder[]): string[] {
  const problems: string[] = [];
  for (const [index, order] of orders.entries()) {
    const captured = played[index]?.expected === 'captured';
    const wanted = captured
      ? { outcome: 'VideoDelivered', credits: 'CreditsCaptured', paidTasks: 1, videosInChat: 1 }
      : { outcome: 'ContentRejected', credits: 'CreditsRefunded', paidTasks: 0, videosInChat: 0 };
    for (const name of ['outcome', 'credits', 'paidTasks', 'videosInChat'] as const) {
      if (order[name] !== wanted[name])
        problems.push(`${order.order}: ${name} is ${order[name]}, should be ${wanted[name]}`);
    }
  }
  if (orders.length !== played.length || orders.length !== 3)
    problems.push(`${orders.length} orders were reported, not 3`);
  if (ledger.held !== 0) problems.push(`${ledger.held} credits are still held`);
  if (ledger.available + ledger.captured !== ledger.granted) problems.push('available + captured is not granted');
  return problems;
}
