import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { z } from 'zod';
import { ownNamespace } from '../../dev/demo/cluster.ts';
import { type ChatMessage, type Customer, createCustomer, hasButton } from '../../dev/demo/customer.ts';
import { type DemoPorts, freePorts } from '../../dev/demo/ports.ts';
import { type PartName, type Stack, type StackOptions, startStack } from '../../dev/demo/stack.ts';
import { processesOfPods } from '../../dev/node/process.ts';
import { checkout } from '../../dev/places.ts';
import { erasePostgres } from '../../dev/postgres/server.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import { VIDEOJOBS } from '../../src/kube/resources.ts';
import { videoJobName } from '../../src/videojob/names.ts';
import { parseVideoJob } from '../../src/videojob/parse.ts';
import type { VideoJob } from '../../src/videojob/schema.ts';
import { waitFor } from './wait.ts';

export interface SystemOptions extends Pick<StackOptions, 'settings' | 'extraEnv' | 'renderSeconds'> {
  /** Opens what stands between the parts before they start; answers what they are told instead of the true addresses. */
  detour?: (place: { directory: string; ports: DemoPorts }) => Promise<NonNullable<StackOptions['extraEnv']>>;
}

const kieTask = z.object({
  taskId: z.string(),
  createdAt: z.number(),
  finishedAt: z.number().optional(),
  state: z.string(),
  paid: z.boolean(),
  prompt: z.string(),
  callBackUrl: z.string().nullable(),
});
export type KieTask = z.infer<typeof kieTask>;

const kieCall = z.object({
  method: z.string(),
  time: z.number(),
  answeredAt: z.number().optional(),
  outcome: z.string(),
  taskId: z.string().optional(),
});
export type KieCall = z.infer<typeof kieCall>;

const telegramCall = z.object({
  method: z.string(),
  chat: z.number().optional(),
  time: z.string(),
  outcome: z.string(),
  processed: z.boolean(),
  fault: z.string().optional(),
  message_id: z.number().optional(),
  media: z.string().optional(),
});
export type TelegramCall = z.infer<typeof telegramCall>;

const podRecord = z.object({
  pod: z.string(),
  process: z.object({ pid: z.number() }).optional(),
  end: z.unknown().optional(),
});

export interface Fault {
  method: string;
  fault: string;
  times?: number;
  seconds?: number;
  chat?: number;
  retry_after?: number;
}

/** Somebody who has gone as far as the confirmation and has not tapped yet. */
export interface Confirmation {
  readonly customer: Customer;
  /** What the tasks of this order carry in their prompt, so that the provider's own record tells whose they are. */
  readonly mark: string;
  /** The message with the button. */
  readonly screen: ChatMessage;
  tap(): Promise<SystemOrder>;
}

export interface SystemOrder {
  readonly id: string;
  readonly name: string;
  readonly customer: Customer;
  readonly mark: string;
}

const screenSeconds = 60;
const run = promisify(execFile);

/** The whole system on real etcd, API server and PostgreSQL, for one file of fault tests, with a directory and ports of its own. */
export class System {
  readonly stack: Stack;
  readonly kube: KubeClient;
  readonly #directory: string;
  readonly #lines: string[];
  #people = 0;

  private constructor(stack: Stack, directory: string, lines: string[]) {
    this.stack = stack;
    this.#directory = directory;
    this.#lines = lines;
    this.kube = createKubeClient({ kubeconfig: stack.controlPlane.kubeconfig, userAgent: 'neurocards-test' });
  }

  static async start({ detour, ...options }: SystemOptions = {}): Promise<System> {
    const directory = await mkdtemp(join(tmpdir(), 'neurocards-faults-'));
    const lines: string[] = [];
    try {
      const ports = await freePorts();
      const extraEnv = merged(options.extraEnv, await detour?.({ directory, ports }));
      const stack = await startStack({
        renderSeconds: 2,
        ...options,
        extraEnv,
        directory,
        ports,
        ephemeral: true,
        onProgress: (line) => lines.push(line),
      });
      return new System(stack, directory, lines);
    } catch (error) {
      await erase(directory);
      throw error;
    }
  }

  /** Stops everything and removes what it kept; with NEUROCARDS_KEEP_STACK its logs stay and are named. */
  async close(): Promise<void> {
    await this.kube.close();
    await this.stack.stop();
    if (process.env['NEUROCARDS_KEEP_STACK'] === undefined) await erase(this.#directory);
    else process.stderr.write(`The logs of this stack stay in ${this.#directory}.\n${this.#lines.join('\n')}\n`);
  }

  // -- customers

  /** A new customer up to the confirmation. `tags` go wrong for this order alone (docs/development/stand-ins.md). */
  async confirmation(...tags: string[]): Promise<Confirmation> {
    this.#people += 1;
    const mark = `[[emu:case-${this.#people}]]`;
    const customer = createCustomer(this.stack.endpoints().telegram, 5_000_000 + this.#people, 'en');
    const sees = (what: string, found: (message: ChatMessage) => boolean): Promise<ChatMessage> =>
      customer.see(what, screenSeconds, found);
    await customer.say('/start');
    await customer.press(await sees('the terms', (one) => hasButton(one, 'accept')), ({ kind }) => kind === 'accept');
    await sees('the welcome', (one) => one.text?.includes('photo') === true && !hasButton(one, 'accept'));
    await customer.sendPhoto(join(checkout, 'dev/photos/coffee-cup.jpg'));
    await sees('the question for the text', (one) => one.text?.includes('describe the product') === true);
    await customer.say(`A coffee cup ${mark} ${tags.map((tag) => `[[emu:${tag}]]`).join(' ')}`);
    const templates = await sees('the templates', (one) => hasButton(one, 'template'));
    await customer.press(templates, (press) => press.kind === 'template' && press.template === 'ad');
    await customer.press(await sees('wishes', (one) => hasButton(one, 'skip')), ({ kind }) => kind === 'skip');
    const confirm = await sees('the confirmation', (one) => hasButton(one, 'create'));
    return {
      customer,
      mark,
      screen: confirm,
      tap: async () => {
        // The answer to a press may be lost with whoever is killed: the order in the books is what counts.
        void customer.press(confirm, ({ kind }) => kind === 'create').catch(() => undefined);
        const id = await waitFor(() => this.#orderOf(customer.chat), { what: `the order of chat ${customer.chat}` });
        return { id, name: videoJobName(id), customer, mark };
      },
    };
  }

  async order(...tags: string[]): Promise<SystemOrder> {
    return (await this.confirmation(...tags)).tap();
  }

  async #orderOf(chat: number): Promise<string | undefined> {
    const row = z.object({ order_id: z.string() });
    return (await this.rows('select order_id from ledger.orders where chat_id = $1', [chat], row))[0]?.order_id;
  }

  // -- what each side says

  /** One statement on a connection of its own, as the owner. */
  async rows<T>(sql: string, values: unknown[], row: z.ZodType<T>): Promise<T[]> {
    const client = new pg.Client({
      connectionString: this.stack.endpoints().databaseUrl,
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return z.array(row).parse((await client.query<Record<string, unknown>>(sql, values)).rows);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Every task that the provider made for this order. */
  async tasks({ mark }: Pick<SystemOrder, 'mark'>): Promise<KieTask[]> {
    const all = z.array(kieTask).parse(await this.#get(`${this.stack.endpoints().kie}/dev/tasks`));
    return all.filter(({ prompt }) => prompt.includes(mark));
  }

  async kieCalls(method: string): Promise<KieCall[]> {
    return z.array(kieCall).parse(await this.#get(`${this.stack.endpoints().kie}/dev/journal?method=${method}`));
  }

  /** The calls of one method about one order's tasks. */
  async kieCallsOf(order: Pick<SystemOrder, 'mark'>, method: string): Promise<KieCall[]> {
    const ids = new Set((await this.tasks(order)).map(({ taskId }) => taskId));
    return (await this.kieCalls(method)).filter(({ taskId }) => taskId !== undefined && ids.has(taskId));
  }

  async telegramCalls({ customer: { chat } }: Pick<SystemOrder, 'customer'>, method: string): Promise<TelegramCall[]> {
    const url = `${this.stack.endpoints().telegram}/dev/journal?method=${method}&chat=${chat}`;
    return z.array(telegramCall).parse(await this.#get(url));
  }

  async videoJob({ name }: Pick<SystemOrder, 'name'>): Promise<VideoJob | undefined> {
    const found = await this.kube.find(VIDEOJOBS, { namespace: this.stack.endpoints().namespace, name });
    return found === undefined ? undefined : parseVideoJob(found);
  }

  kieFault(fault: Fault): Promise<unknown> {
    return this.#post(`${this.stack.endpoints().kie}/dev/faults`, fault);
  }

  telegramFault(fault: Fault): Promise<unknown> {
    return this.#post(`${this.stack.endpoints().telegram}/dev/faults`, fault);
  }

  async #get(url: string): Promise<unknown> {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`);
    return response.json();
  }

  async #post(url: string, body: object): Promise<unknown> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`${new URL(url).pathname} refused: ${await response.text()}`);
    return response.json();
  }

  // -- bad luck

  /** SIGKILLs a part, and answers once it runs again as another process. */
  async kill(part: Exclude<PartName, 'stand-ins'>): Promise<void> {
    const pidOf = (): number | undefined => this.stack.endpoints().processes[part]?.[0]?.pid;
    const before = pidOf();
    this.stack.kill(part);
    await waitFor(() => pidOf() !== undefined && pidOf() !== before, { what: `another ${part}` });
  }

  /** The process of the order's newest running pod of a stage, by the node's own records. */
  async runner({ id }: Pick<SystemOrder, 'id'>, stage: 'gen' | 'dlv'): Promise<number | undefined> {
    const directory = join(this.stack.directory, 'node', 'records');
    for (const file of (await readdir(directory)).filter((one) => one.endsWith('.json'))) {
      const text = await readFile(join(directory, file), 'utf8').catch(() => '{}');
      const record = podRecord.safeParse(JSON.parse(text)).data;
      if (record?.end === undefined && record?.pod.includes(`vj-${id}-${stage}-`) === true) return record.process?.pid;
    }
    return undefined;
  }

  /** Processes of pods of this system that live, whoever still knows of them. */
  podProcesses(): number[] {
    return processesOfPods(join(this.stack.directory, 'node', 'pods'));
  }

  /** SIGKILLs the runner of an order's stage and nothing else. */
  async killRunner(order: Pick<SystemOrder, 'id'>, stage: 'gen' | 'dlv'): Promise<void> {
    const pid = await this.runner(order, stage);
    if (pid === undefined) throw new Error(`no ${stage} runner of ${order.id} runs`);
    process.kill(pid, 'SIGKILL');
  }

  /** Restarts the bot with other settings, for orders placed from now on. */
  async withBot(settings: Record<string, string>): Promise<void> {
    await this.stack.stopPart('bot');
    Object.assign(this.stack.environments.bot, settings);
    await this.stack.startPart('bot');
  }

  /** Away for so many seconds, which is the whole point of it: not a wait for something else. */
  async apiServerAway(seconds: number): Promise<void> {
    await this.stack.controlPlane.stopProcess('kube-apiserver');
    await pause(seconds * 1000);
    await this.stack.controlPlane.startProcess('kube-apiserver');
  }

  async postgresAway(seconds: number): Promise<void> {
    await this.stack.stopPostgres();
    await pause(seconds * 1000);
    await this.stack.startPostgres();
  }

  // -- the operator

  /** The real kubectl, in the namespace of the VideoJobs. Answers its exit code and all it wrote. */
  kubectl(args: readonly string[], input?: string): Promise<{ code: number; text: string }> {
    const { kubeconfig, binaries } = this.stack.controlPlane;
    const namespace = this.stack.endpoints().namespace;
    return execute(
      binaries.kubectl,
      ['--kubeconfig', kubeconfig, '-n', namespace, ...args],
      // kubectl keeps what it learns of the API server in its home; without one, in the working directory.
      { PATH: '/usr/bin:/bin', HOME: this.stack.directory },
      input,
    );
  }

  /** `neurocards admin ...`, as an operator runs it. */
  async admin(...args: string[]): Promise<string> {
    const { kubeconfig, namespace, databaseUrl } = this.stack.endpoints();
    const role = new URL(databaseUrl);
    role.username = 'admin';
    const { stdout } = await run(
      process.execPath,
      [join(this.stack.directory, 'bundle', 'main.mjs'), 'admin', ...args],
      {
        env: {
          PATH: '/usr/bin:/bin',
          KUBECONFIG: kubeconfig,
          NEUROCARDS_NAMESPACE: namespace,
          NEUROCARDS_OWN_NAMESPACE: ownNamespace,
          NEUROCARDS_MAC_KEY: this.stack.environments.bot['NEUROCARDS_MAC_KEY'] ?? '',
          NEUROCARDS_ACTOR: 'test',
          NEUROCARDS_DATABASE_URL: role.href,
        },
      },
    );
    return stdout;
  }

  async setting(name: string, value: unknown): Promise<void> {
    await this.rows('select ledger.set_setting($1, $2)', [name, JSON.stringify(value)], z.unknown());
  }
}

function execute(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  input?: string,
): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = execFile(command, [...args], { env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, text: `${stdout}${stderr}` });
    });
    child.stdin?.end(input ?? '');
  });
}

type ExtraEnv = NonNullable<StackOptions['extraEnv']>;

function merged(given: ExtraEnv = {}, detoured: ExtraEnv = {}): ExtraEnv {
  const parts = ['bot', 'controller', 'generate', 'deliver'] as const;
  return Object.fromEntries(parts.map((part) => [part, { ...given[part], ...detoured[part] }]));
}

async function erase(directory: string): Promise<void> {
  erasePostgres(join(directory, 'postgres'));
  await rm(directory, { recursive: true, force: true });
}
