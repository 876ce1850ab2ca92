import { join } from 'node:path';
import pg from 'pg';
import { z } from 'zod';
import { ownNamespace } from '../../../dev/demo/cluster.ts';
import { type Part, startPart } from '../../../dev/demo/part.ts';
import { checkout } from '../../../dev/places.ts';
import { freePort } from '../../../dev/port.ts';
import { type Gates, openGates } from '../../support/gates.ts';
import { System } from '../../support/system.ts';
import { passTime } from '../../support/time-travel.ts';
import { waitFor } from '../../support/wait.ts';
import { Logs } from './logs.ts';

/** The two parts that may be run twice at the same time. */
export type Replicated = 'bot' | 'controller';

/** One whole system with all its gates, on which schedules are played one after the other. */
export class Lane {
  readonly system: System;
  readonly gates: Gates;
  /** When each order's VideoJob was created, and how often it was posted, as the gate saw it. */
  readonly posts = new Map<string, { created?: number; times: number }>();
  readonly #pool: pg.Pool;
  readonly #replicas = new Map<Replicated, Part>();
  readonly #logs: Logs;

  private constructor(system: System, gates: Gates) {
    this.system = system;
    this.gates = gates;
    this.#logs = new Logs(system.stack.directory);
    this.#pool = new pg.Pool({
      connectionString: system.stack.endpoints().databaseUrl,
      max: 4,
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
    });
    this.#pool.on('error', () => undefined);
    gates.board.witness(({ effect, moment, reply }) => {
      if (effect.boundary !== 'api' || effect.operation !== 'POST videojobs' || moment !== 'after') return;
      const id = /"name":"vj-([a-z2-7]{12})"/.exec(effect.request)?.[1] ?? '';
      const known = this.posts.get(id) ?? { times: 0 };
      known.times += 1;
      if (reply.startsWith('201')) known.created ??= Date.now();
      this.posts.set(id, known);
    });
  }

  static async start(): Promise<Lane> {
    const opened: Gates[] = [];
    const detour = async (place: Parameters<typeof openGates>[0]): Promise<Gates['env']> => {
      const gates = await openGates(place);
      opened.push(gates);
      return gates.env;
    };
    const extraEnv = { bot: { NEUROCARDS_MAX_ATTEMPTS: '2', NEUROCARDS_RECEIVER_LEASE_SECONDS: '2' } };
    try {
      // As many credits as the biggest group costs.
      const system = await System.start({
        renderSeconds: 1,
        settings: { usual_seconds: 5, welcome_credits: 5 },
        extraEnv,
        detour,
      });
      const [gates] = opened;
      if (gates === undefined) throw new Error('a system without gates');
      const lane = new Lane(system, gates);
      await lane.rows(`select ledger.set_package('ten', 10, 25, true, 'bench', 'on sale')`, [], z.unknown());
      return lane;
    } catch (error) {
      await Promise.all(opened.map((gates) => gates.close()));
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const replica of [...this.#replicas.keys()]) await this.endReplica(replica);
    await this.#pool.end();
    await this.system.close();
    await this.gates.close();
  }

  /** One statement as the superuser, past every gate. */
  async rows<T>(sql: string, values: unknown[], row: z.ZodType<T>): Promise<T[]> {
    return z.array(row).parse((await this.#pool.query<Record<string, unknown>>(sql, values)).rows);
  }

  /** Lets the clocks of one order run on by so many seconds. */
  async pass(orderId: string, seconds: number): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.query('begin');
      await passTime(client, orderId, seconds);
      await client.query('commit');
    } finally {
      client.release(true);
    }
  }

  /** Starts a part anew that was killed: at once, as a Deployment does with a pod that ran well before. */
  async revive(part: 'bot' | 'controller' | 'node'): Promise<void> {
    await this.system.stack.stopPart(part);
    await this.system.stack.startPart(part);
  }

  /** Starts a killed controller anew, and lets it lead at once: its predecessor's lease would run for another 15 s. */
  async succeed(): Promise<void> {
    await this.system.stack.stopPart('controller');
    await waitFor(
      async () =>
        (await this.system.kubectl(['-n', ownNamespace, 'delete', 'lease', 'neurocards-controller'])).code === 0,
      { what: 'the end of the lease', every: 200 },
    );
    await this.system.stack.startPart('controller');
  }

  /** Runs a second replica of a part beside the first. */
  async replicate(name: Replicated): Promise<void> {
    if (this.#replicas.has(name)) return;
    const { directory, environments } = this.system.stack;
    const port = await freePort();
    const part = await startPart({
      name: `second-${name}`,
      args: [join(directory, 'bundle', 'main.mjs'), name],
      env: {
        PATH: process.env['PATH'] ?? '/usr/bin:/bin',
        HOME: directory,
        ...environments[name],
        NEUROCARDS_HTTP_ADDRESS: `127.0.0.1:${port}`,
      },
      cwd: checkout,
      logFile: join(directory, 'logs', `second-${name}.log`),
      onChange: () => undefined,
    });
    this.#replicas.set(name, part);
  }

  async endReplica(name: Replicated): Promise<void> {
    const part = this.#replicas.get(name);
    this.#replicas.delete(name);
    await part?.stop();
  }

  /** What processes of ours wrote since the last time that the product has no name for. */
  unclassified(): string[] {
    return this.#logs.news();
  }
}
