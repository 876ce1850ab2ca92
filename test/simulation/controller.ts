import { followAbandoned } from '../../src/controller/abandoned.ts';
import { checkHints } from '../../src/controller/hints.ts';
import { watchMissingObjects } from '../../src/controller/missing.ts';
import { type PassTools, pass } from '../../src/controller/pass.ts';
import type { PodTemplates } from '../../src/controller/pod-template.ts';
import { admissionSweep, dueSweep, overdueSweep } from '../../src/controller/sweeps.ts';
import { watchTerminatingJobs } from '../../src/controller/terminating.ts';
import { createWorkQueue } from '../../src/kube/queue.ts';
import { JOBS, type Job, keyOf, type StoredVideoJob, VIDEOJOBS } from '../../src/kube/resources.ts';
import { runWorkers } from '../../src/kube/workers.ts';
import { ORDER_LABEL, videoJobName } from '../../src/videojob/names.ts';
import { Informer } from './informer.ts';
import { kubeDoor } from './kube-door.ts';
import { Process } from './process.ts';
import { providerDoor, publicUrl } from './provider.ts';
import { storageDoor } from './storage.ts';
import type { World } from './world.ts';

const namespace = 'jobs';
/** What the bot signs orders with; whoever makes an object by hand does not have it. */
export const signingKey = 'key';
const container = { name: 'runner', image: 'neurocards', env: [] };
const template = { metadata: { labels: {}, annotations: {} }, spec: { containers: [container] } };
const templates: PodTemplates = { generate: template, deliver: template };

/** One controller that believes it leads, put together as `src/controller/lead.ts` does it. */
export class Controller {
  readonly process: Process;
  readonly #queue = createWorkQueue({ name: 'videojobs' });
  readonly #world: World;
  readonly #videoJobs: Informer<StoredVideoJob>;
  readonly #jobs: Informer<Job>;

  constructor(world: World, name: string) {
    this.#world = world;
    this.process = new Process('controller', name);
    const { process } = this;
    const { network, server, log } = world;
    world.lend(process);
    const enqueue = (orderId: string): void => this.#queue.add(`${namespace}/${videoJobName(orderId)}`);
    this.#videoJobs = new Informer(network, server, process, world.random, VIDEOJOBS, (object) =>
      this.#queue.add(keyOf(object)),
    );
    const orderOf = ({ metadata: { labels } }: Job): string | undefined => labels?.[ORDER_LABEL];
    this.#jobs = new Informer(
      ...([network, server, process, world.random, JOBS] as const),
      (job) => {
        const orderId = orderOf(job);
        if (orderId !== undefined) enqueue(orderId);
      },
      orderOf,
    );
    const database = world.database(process);
    const kube = kubeDoor(network, server, process);
    const tools: PassTools = {
      ...{ database, kube, templates, log, store: this.#videoJobs.store },
      macKey: signingKey,
      missing: watchMissingObjects(database, log),
      terminating: watchTerminatingJobs(),
      cachedJobs: (_namespace, orderId) => this.#jobs.store.byIndex(orderId),
      rememberWritten: (object) => this.#videoJobs.store.wrote(object),
      rememberOutdated: (object) => this.#videoJobs.store.outdated(object),
      recordEvents: () => undefined,
      onClaimRefused: () => undefined,
      onStale: () => undefined,
    };
    const sweep = { database, log, enqueue };
    const provider = providerDoor(network, world.provider, process);
    const signal = process.stopping.signal;
    const storage = storageDoor(network, world.objects, process);
    const { tables } = world;
    // A round that would find nothing is not played: it changes nothing.
    const isOpen = (): boolean => [...tables.holds.values()].some(({ state }) => state === 'held');
    this.#loop(15_000, isOpen, dueSweep(sweep));
    this.#loop(5_000, () => world.isSomebodyWaiting(), admissionSweep(sweep));
    this.#loop(20_000, isOpen, overdueSweep(sweep));
    this.#loop(
      30_000,
      () => tables.attempts.some((row) => row.state === 'abandoned' && row.followed === null && row.taskId !== null),
      followAbandoned({ ...{ database, provider, storage, owner: name, log, signal } }),
    );
    this.#loop(
      3_000,
      () => tables.hints.some(({ verdict }) => verdict === null),
      checkHints({ database, provider, publicUrl, log, signal }),
    );
    void runWorkers({ queue: this.#queue, count: 2, log, pass: (key) => pass(key, tools) });
    process.onKill(() => this.#queue.shutDown());
  }

  /** PostgreSQL told of an order. */
  hear(orderId: string): void {
    this.#world.engine.after(this.#world.random.between(1, 10), this.process, () =>
      this.#queue.add(`${namespace}/${videoJobName(orderId)}`),
    );
  }

  notice(plural: string): void {
    if (plural === 'jobs') this.#jobs.notice();
    else this.#videoJobs.notice();
  }

  /** As `startLoop` does it; an error ends nothing. */
  #loop(everyMs: number, isDue: () => boolean, round: () => Promise<void>): void {
    const { engine } = this.#world;
    const turn = (): void => {
      const again = (): void => void engine.after(everyMs, this.process, turn);
      if (!isDue()) {
        again();
        return;
      }
      round()
        .catch((error: unknown) => this.#world.judgeError(error, `loop of ${this.process.name}`))
        .finally(again);
    };
    engine.after(this.#world.random.between(0, everyMs), this.process, turn);
  }
}
