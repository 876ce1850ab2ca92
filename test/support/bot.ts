import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Child, startChild } from '../../dev/child.ts';
import { installVideoJobCrd } from '../../dev/videojob-crd.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { type Press, pressData, readPress } from '../../src/telegram/button.ts';
import { createTestDatabase } from './database.ts';
import { type DatabaseProxy, startDatabaseProxy } from './database-proxy.ts';
import { createTestNamespace } from './namespace.ts';
import { type SeenMessage, samplePhoto, startRig, TOKEN } from './telegram.ts';
import { waitFor } from './wait.ts';

const markup = z.object({
  inline_keyboard: z.array(z.array(z.object({ text: z.string(), callback_data: z.string() }))).optional(),
});
const payment = z.looseObject({
  ok: z.boolean(),
  charge_id: z.string().optional(),
  error_message: z.string().optional(),
});
const pressed = z.looseObject({ answered: z.boolean(), text: z.string().optional() });
const root = join(import.meta.dirname, '../..');

export type BotRig = Awaited<ReturnType<typeof startBotRig>>;

/**
 * A bot in a process of its own, with a database, a Telegram and a namespace of its own. It ends with the test; outside a test
 * (in `beforeAll`) the caller ends it. With `throughProxy` its way to PostgreSQL can be broken.
 */
export async function startBotRig(variables: Record<string, string> = {}, { throughProxy = false } = {}) {
  const [database, namespace, telegram] = await Promise.all([createTestDatabase(), createTestNamespace(), startRig()]);
  const kube = createKubeClient({ kubeconfig: namespace.kubeconfig, userAgent: 'test' });
  await installVideoJobCrd(kube);
  const storage = await mkdtemp(join(tmpdir(), 'neurocards-bot-'));
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  owner.on('error', () => undefined);
  await owner.connect();

  const proxy = throughProxy ? await startDatabaseProxy(database.ownerUrl) : undefined;
  const botUrl = database.urlFor('bot');
  const env = {
    PATH: process.env['PATH'] ?? '',
    KUBECONFIG: namespace.kubeconfig,
    NEUROCARDS_DATABASE_URL: proxy?.urlOf(botUrl) ?? botUrl,
    NEUROCARDS_TELEGRAM_BOT_TOKEN: TOKEN,
    NEUROCARDS_TELEGRAM_API_ROOT: telegram.url,
    NEUROCARDS_STORAGE_DIRECTORY: storage,
    NEUROCARDS_NAMESPACE: namespace.name,
    NEUROCARDS_MAC_KEY: 'test-key',
    NEUROCARDS_IDENTITY_PEPPER: 'a pepper that is used by tests alone',
    NEUROCARDS_HTTP_ADDRESS: '127.0.0.1:0',
    NEUROCARDS_SUPPORT_CONTACT: '@a_human',
    NEUROCARDS_RECEIVER_LEASE_SECONDS: '1.5',
    NEUROCARDS_LOG_LEVEL: 'debug',
    ...variables,
  };
  const first = replica(env);
  const replicas = [first];
  const end = async (): Promise<void> => {
    await Promise.all(replicas.map((one) => one.stop()));
    await proxy?.close();
    await owner.end();
    await kube.close();
    await telegram.erase();
    await rm(storage, { recursive: true, force: true });
    await Promise.all([database.drop(), namespace.remove()]);
  };
  endWithTheTest(end);
  await first.start();

  return {
    database,
    namespace,
    kube,
    telegram,
    storage,
    /** The way to PostgreSQL of a rig that goes through one. */
    proxy(): DatabaseProxy {
      if (proxy === undefined) throw new Error('this rig goes to PostgreSQL directly');
      return proxy;
    },
    ...first,
    end,
    /** A second one beside it. */
    async another(): Promise<Replica> {
      const second = replica(env);
      replicas.push(second);
      await second.start();
      return second;
    },
    async rows<T>(sql: string, values: unknown[], row: z.ZodType<T>): Promise<T[]> {
      const result = await owner.query<Record<string, unknown>>(sql, values);
      return z.array(row).parse(result.rows);
    },
    customer: (chat: number) => customerOf(telegram, chat),
  };
}

function endWithTheTest(end: () => Promise<void>): void {
  try {
    onTestFinished(end);
  } catch {
    // No test runs in a beforeAll hook: its afterAll ends it.
  }
}

export type Replica = ReturnType<typeof replica>;

function replica(env: Record<string, string>) {
  const lines: string[] = [];
  let bot: Child | undefined;
  return {
    /** What it wrote to its log. */
    lines,
    /** Starts it, with other settings where some are named. */
    async start(changes: Record<string, string> = {}): Promise<void> {
      const from = lines.length;
      bot = await startChild({
        command: process.execPath,
        args: ['src/main.ts', 'bot'],
        cwd: root,
        env: { ...env, ...changes },
        stopSignal: 'SIGTERM',
        onLine: (line) => lines.push(line),
      });
      try {
        await waitFor(() => lines.slice(from).some((line) => line.includes('the bot runs')), {
          what: 'the bot to run',
        });
      } catch (cause) {
        throw new Error(`the bot did not start:\n${lines.slice(from).join('\n')}`, { cause });
      }
    },
    /** SIGKILL. */
    async kill(): Promise<void> {
      bot?.kill('SIGKILL');
      await bot?.exited;
    },
    async stop(): Promise<{ code: number | null }> {
      await bot?.stop(20_000);
      return { code: (await bot?.exited)?.code ?? null };
    },
    url(): string {
      const line = lines.findLast((one) => one.includes('the bot runs')) ?? '{}';
      return z.object({ url: z.string() }).parse(JSON.parse(line)).url;
    },
  };
}

function customerOf(telegram: Awaited<ReturnType<typeof startRig>>, chat: number) {
  const messages = async (): Promise<SeenMessage[]> => (await telegram.chat(chat)).messages;
  const press = async (messageId: number, data: string) =>
    pressed.parse((await telegram.dev('POST', `chats/${chat}/callbacks`, { message_id: messageId, data })).json);

  /** Waits for the newest message of the bot that satisfies the condition. */
  async function see(what: string, found: (message: SeenMessage) => boolean): Promise<SeenMessage> {
    return waitFor(
      async () => (await messages()).findLast((one) => one.from === 'bot' && one.deleted !== true && found(one)),
      { what: `${what} in chat ${chat}`, within: 15_000 },
    ).catch(async (cause: unknown) => {
      const texts = (await messages()).map((one) => `${one.from} ${one.message_id}: ${wordsOf(one)}`);
      throw new Error(`${what} was not seen; the chat has:\n${texts.join('\n')}`, { cause });
    });
  }

  const self = {
    chat,
    messages,
    see,
    say: (text: string) => telegram.say(chat, text),
    async sendPhoto(name = 'coffee-cup.jpg', fields: Record<string, string> = {}): Promise<void> {
      await telegram.upload(chat, 'photo', await samplePhoto(name), name, fields);
    },
    /** Presses a button by what it says to the bot; answers how the bot answered the tap. */
    async press(kind: Press['kind'], more: (press: Press) => boolean = () => true) {
      const on = await see(`a button "${kind}"`, (one) =>
        pressesOf(one).some((each) => each.kind === kind && more(each)),
      );
      const found = pressesOf(on).find((each) => each.kind === kind && more(each));
      if (found === undefined) throw new Error('the button vanished');
      return { ...(await press(on.message_id, pressData(found))), messageId: on.message_id, data: pressData(found) };
    },
    pressData: press,
    async seeText(text: string | RegExp): Promise<SeenMessage> {
      return see(`a message with ${String(text)}`, (one) =>
        typeof text === 'string' ? wordsOf(one).includes(text) : text.test(wordsOf(one)),
      );
    },
    async seeButton(kind: Press['kind']): Promise<SeenMessage> {
      return see(`a button "${kind}"`, (one) => pressesOf(one).some((each) => each.kind === kind));
    },
    /** Pays the bill in a message; with `lose` no update tells the bot of it. */
    async pay(messageId: number, lose = false) {
      const { json } = await telegram.dev('POST', `chats/${chat}/payments`, { message_id: messageId, lose });
      return payment.parse(json);
    },
    /** From /start to the consent. */
    async enter(): Promise<void> {
      await self.say('/start');
      await self.press('accept');
      await self.seeText('Send a photo of your product');
    },
    /** Chooses what is on sale; answers the message of the bill. */
    async askForBill(): Promise<SeenMessage> {
      const before = (await messages()).at(-1)?.message_id ?? 0;
      await self.say('/buy');
      await self.press('buy');
      return see('a bill', (one) => one['invoice'] !== undefined && one.message_id > before);
    },
    /** From /start to the confirmation. */
    async upToConfirmation(text = 'A coffee cup that keeps warm for an hour'): Promise<void> {
      await self.enter();
      await self.draft(text);
    },
    async draft(text = 'A coffee cup that keeps warm for an hour'): Promise<void> {
      await self.sendPhoto();
      await self.seeText('describe the product');
      await self.say(text);
      await self.press('template', (each) => each.kind === 'template' && each.template === 'ad');
      await self.press('skip');
      await self.seeButton('discard');
    },
  };
  return self;
}

export function pressesOf(message: SeenMessage): Press[] {
  const read = markup.safeParse(message['reply_markup']);
  return (read.success ? (read.data.inline_keyboard ?? []) : []).flat().flatMap(({ callback_data }) => {
    const press = readPress(callback_data);
    return press === undefined ? [] : [press];
  });
}

export function wordsOf(message: SeenMessage): string {
  return message.text ?? message.caption ?? '';
}
