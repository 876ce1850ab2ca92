import pg from 'pg';
import { z } from 'zod';
import { findCondition } from '../../src/videojob/conditions.ts';
import { ORDER_LABEL, videoJobName } from '../../src/videojob/names.ts';
import { parseVideoJob } from '../../src/videojob/parse.ts';
import { type ApiServer, apiServerOf } from './api-server.ts';
import { buttonsOf, createCustomer } from './customer.ts';
import type { Endpoints } from './endpoints.ts';
import type { PlayedOrder } from './script.ts';
import { until } from './until.ts';

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

/** What was measured beside the orders. */
export interface Measured {
  /** From the command to "everything runs". */
  startSeconds: number;
  /** Proportional set size of every process of the demo: before the first order, and the most while they were played. */
  memoryMegabytes: { idle: number; peak: number };
}

export interface Report extends Measured {
  orders: OrderReport[];
  /** `bought`: without what went back; `owed` by people whose payments went back. */
  ledger: { granted: number; bought: number; held: number; captured: number; available: number; owed: number };
  apiWritesPerVideoJob: number;
}

export interface Judged {
  report: Report;
  /** What is not as it should be; empty when all three orders went right. */
  problems: string[];
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
  measured: Measured,
): Promise<Judged> {
  const api = apiServerOf(endpoints.kubeconfig);
  const database = new pg.Client({ connectionString: endpoints.databaseUrl });
  await database.connect();
  try {
    const orders: OrderReport[] = [];
    for (const order of played) orders.push(await reportOrder(order, endpoints, api, database));
    await jobsOver(api, endpoints.namespace, played);
    const report = {
      orders,
      ledger: await sums(database),
      apiWritesPerVideoJob: round(
        ((await countWrites(endpoints.kubeconfig)) - writesBefore) / Math.max(1, played.length),
      ),
      ...measured,
    };
    return { report, problems: judge(report, played, await heldByOthers(database, played)) };
  } finally {
    await database.end();
  }
}

async function reportOrder(
  { order, chat, tappedAt }: PlayedOrder,
  endpoints: Endpoints,
  api: ApiServer,
  database: pg.Client,
): Promise<OrderReport> {
  const name = videoJobName(order);
  const conditions = await finishedConditions(api, endpoints.namespace, name);
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
async function finishedConditions(api: ApiServer, namespace: string, name: string) {
  const path = `/apis/neurocards.io/v1alpha1/namespaces/${namespace}/videojobs/${name}`;
  return until(`the end of ${name} in its status`, 30, async () => {
    const { conditions } = parseVideoJob(JSON.parse(await api.get(path))).status;
    return findCondition(conditions, 'Finished')?.status === 'True' ? conditions : undefined;
  });
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
  bought: z.coerce.number(),
  held: z.coerce.number(),
  captured: z.coerce.number(),
  available: z.coerce.number(),
  owed: z.coerce.number(),
});

async function sums(database: pg.Client): Promise<Report['ledger']> {
  const { rows } = await database.query<Record<string, unknown>>(`
    select
      (select coalesce(sum(case when credit like 'user/%' then amount else -amount end), 0) from ledger.transfers
       where 'sys/grants' in (debit, credit) or 'sys/writeoff' in (debit, credit)) as granted,
      (select coalesce(sum(case when debit = 'sys/sales' then amount else -amount end), 0) from ledger.transfers
       where 'sys/sales' in (debit, credit)) as bought,
      (select coalesce(sum(balance), 0) from ledger.accounts where account_id like 'user/%/held') as held,
      (select coalesce(sum(amount), 0) from ledger.transfers where kind = 'capture') as captured,
      (select coalesce(sum(balance), 0) from ledger.accounts where account_id like 'user/%/available') as available,
      (select coalesce(sum(balance), 0) from ledger.accounts where account_id like 'user/%/debt') as owed`);
  return sumsRow.parse(rows[0]);
}

const jobList = z.object({
  items: z.array(z.object({ status: z.object({ conditions: z.array(z.object({ type: z.string() })).optional() }) })),
});

/** Kubernetes writes the end of a Job a second after its pod's: those writes belong to the orders too. */
async function jobsOver(api: ApiServer, namespace: string, played: readonly PlayedOrder[]): Promise<void> {
  const orders = played.map(({ order }) => order).join(',');
  const selector = encodeURIComponent(`${ORDER_LABEL} in (${orders})`);
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs?labelSelector=${selector}`;
  await until('the end of every Job', 30, async () => {
    const { items } = jobList.parse(JSON.parse(await api.get(path)));
    const over = items.every(({ status }) =>
      status.conditions?.some(({ type }) => type === 'Complete' || type === 'Failed'),
    );
    return over || undefined;
  });
}

/** Successful mutating requests on videojobs, jobs and pods so far, by the API server's own counter. */
export async function countWrites(kubeconfig: string): Promise<number> {
  return sumOfWrites(await apiServerOf(kubeconfig).get('/metrics'));
}

function sumOfWrites(metrics: string): number {
  let sum = 0;
  for (const line of metrics.split('\n')) {
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

/** Somebody who orders on the chat page meanwhile, or whose order an earlier run left open, is no fault of the script's. */
async function heldByOthers(database: pg.Client, played: readonly PlayedOrder[]): Promise<number> {
  const { rows } = await database.query<Record<string, unknown>>(
    "select coalesce(sum(amount), 0) as credits from ledger.holds where state = 'held' and order_id <> all ($1)",
    [played.map(({ order }) => order)],
  );
  return z.object({ credits: z.coerce.number() }).parse(rows[0]).credits;
}

function judge({ orders, ledger }: Report, played: readonly PlayedOrder[], othersHold: number): string[] {
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
  if (orders.length !== 3) problems.push(`${orders.length} orders were reported, not 3`);
  if (ledger.held !== othersHold) problems.push(`${ledger.held - othersHold} credits are still held`);
  const { available, held, owed, granted, bought, captured } = ledger;
  if (available + held - owed !== granted + bought - captured)
    problems.push('available + held - owed is not granted + bought - captured');
  return problems;
}
