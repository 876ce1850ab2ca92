import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { startCompletions } from '../../dev/completions/server.ts';
import { startKie } from '../../dev/kie/server.ts';
import { succeedAttempt } from '../../src/generation/attempt.ts';
import { endExecution, recordRequests, type Stage } from '../../src/ledger/executions.ts';
import { createLogger, type Logger } from '../../src/log/logger.ts';
import { claimOrder } from '../../src/order/claim.ts';
import { createPool, type DatabasePool } from '../../src/postgres/pool.ts';
import { createPrompter } from '../../src/prompter/completions.ts';
import { createKieProvider } from '../../src/provider/kie/provider.ts';
import { runDelivery } from '../../src/runner/deliver.ts';
import type { RunnerEnd } from '../../src/runner/exit.ts';
import { generate } from '../../src/runner/generate.ts';
import { createRequestTally } from '../../src/runner/request-tally.ts';
import { createFileStorage } from '../../src/storage/files.ts';
import type { ObjectStorage } from '../../src/storage/storage.ts';
import { createTelegramChat } from '../../src/telegram/chat.ts';
import type { VideoJobInput } from '../../src/videojob/build.ts';
import { type DatabaseProxy, startDatabaseProxy } from './database-proxy.ts';
import { TestLedger, type TestOrder } from './ledger.ts';
import { samplePhoto, seenMessage, startRig, TOKEN } from './telegram.ts';
import { waitFor } from './wait.ts';

export const KIE_KEY = 'kie-key-canary-5d1f';
export const PROMPTER_KEY = 'prompter-key-canary-77ab';

const films = join(import.meta.dirname, '../../node_modules/.cache/neurocards-test-films');

/** A film as the provider makes them: made once, for tests that begin where it is stored. */
let film: Uint8Array | undefined;

const kieTask = z.looseObject({
  taskId: z.string(),
  state: z.string(),
  paid: z.boolean(),
  prompt: z.string(),
  callBackUrl: z.string().nullable(),
});
const kieCall = z.looseObject({ method: z.string(), time: z.number(), outcome: z.string() });
const attemptRow = z.object({
  n: z.number(),
  state: z.string(),
  task_id: z.string().nullable(),
  failure_class: z.string().nullable(),
  submit_nonce: z.string().nullable(),
  prompt_source: z.string().nullable(),
  not_before: z.date().nullable(),
});

/** What an order says other than usual. */
export type OrderChanges = Partial<VideoJobInput> & { template?: 'self' | 'ugc' | 'ad' };

export type BenchOrder = TestOrder & { readonly chatId: number; readonly messageId: number };

/** A runner under way: how it will end, and its SIGTERM. */
export type Runner = { readonly end: Promise<RunnerEnd>; stop(): void };

export type Workbench = Awaited<ReturnType<typeof setUpWorkbench>>;

/**
 * Everything a runner works with, real or a stand-in over HTTP, in this process: ledger, provider, prompter, Telegram and
 * files. Runners reach PostgreSQL through a proxy that can break.
 */
export async function setUpWorkbench() {
  const directory = await mkdtemp(join(tmpdir(), 'neurocards-workbench-'));
  // Films of the same photo are the same: rendered once for all tests and runs.
  await mkdir(films, { recursive: true });
  await mkdir(join(directory, 'kie'));
  await symlink(films, join(directory, 'kie', 'films'));
  const ledger = await TestLedger.open();
  const [kie, completions, telegram, runnerProxy] = await Promise.all([
    startKie({ stateDirectory: join(directory, 'kie'), apiKey: KIE_KEY, seconds: 0.3 }),
    startCompletions({ stateDirectory: join(directory, 'completions'), apiKey: PROMPTER_KEY }),
    startRig(join(directory, 'telegram')),
    startDatabaseProxy(ledger.runnerUrl),
  ]);
  // Polled every second.
  await ledger.admin.query("select ledger.set_setting('usual_seconds', '1')");
  const storage = createFileStorage(join(directory, 'files'));
  await storage.put('photos/cup.jpg', await samplePhoto('coffee-cup.jpg'));
  await storage.put('photos/person.jpg', await samplePhoto('person.jpg'));
  const lines: string[] = [];
  const log = createLogger({ service: 'runner', level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const pools: DatabasePool[] = [];

  const close = async (): Promise<void> => {
    await Promise.all(pools.map((pool) => pool.end()));
    await runnerProxy.close();
    await Promise.all([kie.close(), completions.close(), telegram.close()]);
    await rm(directory, { recursive: true, force: true });
  };
  onTestFinished(close);

  const poolOf = (proxy: DatabaseProxy): DatabasePool => {
    const pool = createPool(proxy.urlOf(ledger.runnerUrl), {
      applicationName: 'test-runner',
      max: 2,
      idleTimeoutMillis: 500,
    });
    pools.push(pool);
    return pool;
  };

  const started = (
    order: TestOrder,
    execution: number,
    stage: Stage,
    proxy: DatabaseProxy,
    work: (tools: {
      database: DatabasePool;
      stopping: AbortSignal;
      tally: ReturnType<typeof createRequestTally>;
    }) => Promise<RunnerEnd>,
  ): Runner => {
    const stopping = new AbortController();
    const tally = createRequestTally();
    const database = poolOf(proxy);
    const run = async (): Promise<RunnerEnd> => {
      const end = await work({ database, stopping: stopping.signal, tally });
      // As the runner does: figures only, whatever becomes of them.
      await recordRequests(database, order.orderId, order.uid, stage, execution, tally.take()).catch(() => undefined);
      return end;
    };
    const end = run();
    end.catch(() => undefined);
    return { end, stop: () => stopping.abort() };
  };
  const identity = ({ orderId, uid }: TestOrder, execution: number) => ({
    NEUROCARDS_ORDER: orderId,
    NEUROCARDS_VIDEOJOB_UID: uid,
    NEUROCARDS_EXECUTION: execution,
  });

  const kieJson = async (path: string): Promise<unknown> => (await fetch(`${kie.url}/dev/${path}`)).json();
  const ordered = async (url: string, path: string, method: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/dev/${path}`, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
  };

  return {
    ledger,
    lines,
    telegram,
    storage,
    kieUrl: kie.url,
    proxy: runnerProxy,
    /** A way to PostgreSQL for one runner alone. */
    async ownProxy(): Promise<DatabaseProxy> {
      const proxy = await startDatabaseProxy(ledger.runnerUrl);
      onTestFinished(() => proxy.close());
      return proxy;
    },

    /** An order as the bot leaves it, claimed and admitted, with a progress message in the chat. */
    async order(
      productText = 'a cup',
      { template = 'self', photo = 'photos/cup.jpg', ...spec }: OrderChanges = {},
    ): Promise<BenchOrder> {
      const person = await ledger.person();
      await telegram.say(person.chatId, '/start');
      const { message_id: messageId } = await telegram.done(
        'sendMessage',
        { chat_id: person.chatId, text: 'progress' },
        z.looseObject({ message_id: z.number() }),
      );
      const generation = {
        provider: 'kie',
        model: 'bytedance/seedance-2-fast',
        seconds: 5,
        audio: false,
        ...spec.generation,
      };
      const placement = {
        ...ledger.placement(person, 1, { ...spec, template, photo, generation }),
        productText,
        template,
        photoKey: photo,
        messageId,
      };
      await ledger.place(placement);
      const [placed] = placement.orders;
      if (placed === undefined) throw new Error('a placement without an order');
      const uid = randomUUID();
      await claimOrder(ledger.controller, placed.orderId, uid, placed.specHash);
      return { orderId: placed.orderId, uid, userId: person.userId, chatId: person.chatId, messageId };
    },

    /** An order whose video is stored. */
    async stored(spec: OrderChanges = {}): Promise<BenchOrder> {
      const order = await this.order('a cup', spec);
      if (film === undefined) {
        await (await this.generate(order)).end;
        const [row] = await ledger.rows('select video_key from ledger.attempts where order_id = $1', [order.orderId]);
        film = await storage.get(String(row?.['video_key']));
        return order;
      }
      const { lease } = await ledger.accepted(order);
      const sha256 = createHash('sha256').update(film).digest('hex');
      const key = `${order.orderId}/${sha256}`;
      await storage.put(key, film);
      const video = { key, sha256, bytes: film.byteLength, seconds: 3, width: 368, height: 640 };
      await succeedAttempt(ledger.runner, lease.attemptId, lease.fence, video);
      return order;
    },

    /** Runs the generate pod of an execution in this process; opens the next execution unless one is named. */
    async generate(
      order: TestOrder,
      {
        execution,
        proxy = runnerProxy,
        callbackAddress,
      }: { execution?: number; proxy?: DatabaseProxy; callbackAddress?: string } = {},
    ): Promise<Runner> {
      const n = execution ?? (await ledger.execution(order));
      return started(order, n, 'generation', proxy, ({ database, stopping, tally }) =>
        generate(identity(order, n), {
          database,
          log,
          stopping,
          storage,
          callbackAddress,
          provider: createKieProvider({
            baseUrl: kie.url,
            uploadUrl: kie.url,
            apiKey: KIE_KEY,
            onRequest: (operation, outcome) => tally.add('provider', operation, outcome),
          }),
          prompter: createPrompter({
            baseUrl: completions.url,
            apiKey: PROMPTER_KEY,
            model: 'test',
            timeoutMs: 5_000,
            onRequest: (outcome) => tally.add('prompter', 'write', outcome),
          }),
        }),
      );
    },

    /** Runs the deliver pod of an execution in this process; opens the next execution unless one is named. */
    async deliver(
      order: TestOrder,
      {
        execution,
        proxy = runnerProxy,
        seconds = 60,
        ...own
      }: { execution?: number; proxy?: DatabaseProxy; seconds?: number; storage?: ObjectStorage; log?: Logger } = {},
    ): Promise<Runner> {
      const n = execution ?? (await ledger.execution(order, 'delivery'));
      return started(order, n, 'delivery', proxy, ({ database, stopping, tally }) =>
        runDelivery(
          { ...identity(order, n), NEUROCARDS_DELIVERY_TIMEOUT_SECONDS: seconds },
          {
            database,
            log,
            stopping,
            storage,
            ...own,
            chat: createTelegramChat({
              token: TOKEN,
              apiRoot: telegram.url,
              onRequest: (method, outcome) => tally.add('telegram', method, outcome),
            }),
          },
        ),
      );
    },

    /** The chat as delivery needs it, for the bot's own showing. */
    chat: () => createTelegramChat({ token: TOKEN, apiRoot: telegram.url }),

    async attempt(order: TestOrder): Promise<z.infer<typeof attemptRow>> {
      const [row] = await ledger.rows(
        `select n, state, task_id, failure_class, submit_nonce, prompt_source, not_before
         from ledger.attempts where order_id = $1 order by n desc limit 1`,
        [order.orderId],
      );
      return attemptRow.parse(row);
    },
    async state(order: TestOrder, state: string): Promise<void> {
      await waitFor(async () => (await this.attempt(order)).state === state, { what: `the attempt to be ${state}` });
    },
    async delivery(order: TestOrder): Promise<Record<string, unknown>> {
      const [row] = await ledger.rows('select * from ledger.deliveries where order_id = $1', [order.orderId]);
      return row ?? {};
    },
    /** Waits until an edit of the order's message has begun. */
    async begun(order: TestOrder): Promise<void> {
      await waitFor(
        async () =>
          (await ledger.rows('select from ledger.delivery_edits where order_id = $1', [order.orderId])).length > 0,
        { what: 'an edit' },
      );
    },
    async hold(order: TestOrder): Promise<{ state: unknown; reason: unknown }> {
      const [row] = await ledger.rows('select state, reason from ledger.holds where order_id = $1', [order.orderId]);
      return { state: row?.['state'], reason: row?.['reason'] };
    },
    /** Requests counted in rows, as `target operation class`. */
    async counted(): Promise<Record<string, number>> {
      const rows = await ledger.rows('select target, operation, class, count::integer from ledger.request_counts');
      return Object.fromEntries(
        rows.map((row) => [
          `${String(row['target'])} ${String(row['operation'])} ${String(row['class'])}`,
          Number(row['count']),
        ]),
      );
    },

    tasks: async () => z.array(kieTask).parse(await kieJson('tasks')),
    kieCalls: async (method: string) => z.array(kieCall).parse(await kieJson(`journal?method=${method}`)),
    kieFault: (fault: object) => ordered(kie.url, 'faults', 'POST', fault),
    kieBehaviour: (change: object) => ordered(kie.url, 'behaviour', 'PATCH', change),
    completionsFault: (fault: object) => ordered(completions.url, 'faults', 'POST', fault),
    telegramFault: (fault: object) => ordered(telegram.url, 'faults', 'POST', fault),
    /** What the person sees: messages that are there. */
    async messages(order: BenchOrder) {
      return z
        .array(seenMessage)
        .parse((await telegram.chat(order.chatId)).messages)
        .filter(({ deleted, from }) => deleted !== true && from === 'bot');
    },
    async videos(order: BenchOrder) {
      return (await this.messages(order)).filter(({ video }) => video !== undefined);
    },
  };
}

/** Opens the next execution of a stage after the last one crashed; answers its number. */
export async function nextExecution(bench: Workbench, order: TestOrder, stage: Stage = 'generation'): Promise<number> {
  const seen = await bench.ledger.observe(order);
  const executions = stage === 'generation' ? seen.generationExecutions : seen.deliveryExecutions;
  await endExecution(bench.ledger.controller, order.orderId, order.uid, stage, executions.length, 'Crashed');
  return bench.ledger.execution(order, stage);
}
