import { runDelivery } from '../../src/runner/deliver.ts';
import type { RunnerEnd } from '../../src/runner/exit.ts';
import { generate } from '../../src/runner/generate.ts';
import { chatOver } from '../../src/telegram/chat.ts';
import type { Change, StoredObject } from './api-server.ts';
import { orderOf } from './kube-door.ts';
import { Process } from './process.ts';
import { callbackAddress, providerDoor } from './provider.ts';
import { prompterDoor, storageDoor } from './storage.ts';
import { telegramDoor } from './telegram.ts';
import type { World } from './world.ts';

/** One pod of a Job, and the process in it. */
interface Pod {
  readonly job: string;
  readonly jobUid: string;
  readonly process: Process;
  isStarted: boolean;
  isOver: boolean;
}

const graceMs = 90_000;
/** The Job controller tells of a pod's end a second after it. */
const finalMs = 1_000;

/**
 * Kubernetes as far as Jobs are concerned: the Job controller, the garbage collector and a node whose pods are our own runner, killed
 * and stopped like any process.
 */
export class Cluster {
  readonly pods: Pod[] = [];
  readonly #world: World;
  #names = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get running(): number {
    return this.pods.filter(({ isOver }) => !isOver).length;
  }

  /** Told of everything that is written to the API server. */
  onChange({ type, plural, object }: Change): void {
    if (plural === 'videojobs' && type === 'DELETED') this.#collect(object.metadata.uid);
    if (plural !== 'jobs') return;
    if (type === 'ADDED') this.#begin(object);
    if (type === 'DELETED') this.#stopPods(object.metadata.uid);
  }

  /** The garbage collector: what the gone object owned goes too. */
  #collect(ownerUid: string): void {
    const { engine, server, random } = this.#world;
    engine.after(random.between(100, 3_000), null, () => {
      for (const job of server.list('jobs')) {
        if (job.metadata.ownerReferences?.some(({ uid }) => uid === ownerUid) === true) {
          server.delete('jobs', job.metadata.name);
        }
      }
    });
  }

  #begin(job: StoredObject): void {
    const { engine, network, random } = this.#world;
    const { name, uid } = job.metadata;
    const decision = network.luck.draw('pod start', ['stuck', 'delayed', 'twice']);
    let startMs = random.between(200, 1_500);
    if (decision !== undefined) {
      const fault = decision.misdeed === 'twice' ? 'twice' : 'delayed';
      network.strike('pod start', fault, name, orderOf(name));
      if (decision.misdeed === 'delayed') startMs += decision.ms;
      // An image that cannot be pulled: nothing starts until the Job goes.
      if (decision.misdeed === 'stuck') startMs = Number.POSITIVE_INFINITY;
      // "The same program may sometimes be started twice."
      if (decision.misdeed === 'twice') this.#pod(job, startMs + Math.min(decision.ms, 20_000));
    }
    this.#pod(job, startMs);
    const seconds = job.spec?.['activeDeadlineSeconds'];
    if (typeof seconds === 'number') {
      engine.after(seconds * 1000, null, () => {
        if (this.#world.server.find('jobs', name)?.metadata.uid !== uid) return;
        this.#stopPods(uid);
        this.#endJob(name, uid, false);
      });
    }
  }

  #pod(job: StoredObject, startMs: number): void {
    const { name, uid } = job.metadata;
    this.#names += 1;
    const process = new Process('runner', `${name}/${this.#names}`);
    const pod: Pod = { job: name, jobUid: uid, process, isStarted: false, isOver: false };
    this.pods.push(pod);
    process.onKill(() => this.#over(pod, false));
    if (!Number.isFinite(startMs)) return;
    this.#world.engine.after(startMs, process, () => {
      const isThere = this.#world.server.find('jobs', name)?.metadata.uid === uid;
      if (pod.isOver || !isThere) return;
      pod.isStarted = true;
      this.#alter(name, uid, () => ({ active: 1, ready: 1 }));
      this.#world.lend(process);
      void this.#run(job, process).then((code) => this.#exit(pod, code));
    });
  }

  /** The product's runner, as `src/runner.ts` starts it. */
  async #run(job: StoredObject, process: Process): Promise<number> {
    const world = this.#world;
    const env = environmentOf(job);
    const about = env.NEUROCARDS_ORDER;
    const tools = {
      ...{ database: world.database(process), log: world.log, stopping: process.stopping.signal },
      storage: storageDoor(world.network, world.objects, process),
    };
    try {
      const end: RunnerEnd = job.metadata.name.includes('-gen-')
        ? await generate(env, {
            ...tools,
            ...{ provider: providerDoor(world.network, world.provider, process, about), callbackAddress },
            prompter: prompterDoor(world.network, process),
          })
        : await runDelivery(
            { ...env, NEUROCARDS_DELIVERY_TIMEOUT_SECONDS: Number(env.NEUROCARDS_DELIVERY_TIMEOUT_SECONDS) },
            { ...tools, chat: chatOver(telegramDoor(world.network, world.telegram, process, about)) },
          );
      return end.code;
    } catch (error) {
      world.judgeError(error, `runner ${process.name}`);
      return 1;
    }
  }

  #exit(pod: Pod, code: number): void {
    const { network } = this.#world;
    // It wrote its verdict and is killed before it could say so.
    const decision = network.luck.draw('Job end', ['after', 'lost']);
    if (decision !== undefined)
      network.strike('Job end', decision.misdeed === 'lost' ? 'lost' : 'after', pod.job, orderOf(pod.job));
    this.#over(pod, decision?.misdeed === 'after' ? false : code === 0);
    if (decision?.misdeed === 'lost') this.#remove(pod);
  }

  /** Gone before anybody saw how it ended: a TTL, or a person. */
  #remove({ job, jobUid }: Pod): void {
    const { server } = this.#world;
    if (server.find('jobs', job)?.metadata.uid === jobUid) server.delete('jobs', job);
  }

  #over(pod: Pod, isGood: boolean): void {
    if (pod.isOver) return;
    pod.isOver = true;
    pod.process.kill();
    const others = this.pods.filter((one) => one.jobUid === pod.jobUid && !one.isOver);
    if (others.length === 0 || isGood) this.#endJob(pod.job, pod.jobUid, isGood);
  }

  #endJob(name: string, uid: string, isGood: boolean): void {
    const [first, last] = isGood ? ['SuccessCriteriaMet', 'Complete'] : ['FailureTarget', 'Failed'];
    this.#alter(name, uid, (status) => ({ active: 0, conditions: conditionsWith(status, first) }));
    this.#world.engine.after(finalMs, null, () => {
      this.#alter(name, uid, (status) => ({ conditions: conditionsWith(status, last) }));
    });
  }

  #alter(name: string, uid: string, change: (status: Readonly<Record<string, unknown>>) => object): void {
    const { server } = this.#world;
    if (server.find('jobs', name)?.metadata.uid !== uid) return;
    server.alter('jobs', name, ({ status = {} }) => ({ status: { ...status, ...change(status) } }));
  }

  /** SIGTERM, and SIGKILL when the grace is over. */
  #stopPods(jobUid: string): void {
    for (const pod of this.pods.filter((one) => one.jobUid === jobUid && !one.isOver)) {
      if (!pod.isStarted) {
        pod.isOver = true;
        pod.process.kill();
        continue;
      }
      this.#world.engine.after(0, pod.process, () => pod.process.stopping.abort());
      this.#world.engine.after(graceMs, null, () => this.#over(pod, false));
    }
  }
}

function conditionsWith(status: Readonly<Record<string, unknown>>, type: string | undefined): unknown[] {
  const before: unknown = status['conditions'];
  return [...(Array.isArray(before) ? (before as unknown[]) : []), { type, status: 'True' }];
}

/** What the controller wrote into the pod for the runner. */
function environmentOf(job: StoredObject): {
  NEUROCARDS_ORDER: string;
  NEUROCARDS_VIDEOJOB_UID: string;
  NEUROCARDS_EXECUTION: number;
  NEUROCARDS_DELIVERY_TIMEOUT_SECONDS: string;
} {
  const found = new Map<string, string>();
  const read = (value: unknown, path: readonly string[]): unknown =>
    path.reduce<unknown>(
      (part, key) => (typeof part === 'object' && part !== null ? Reflect.get(part, key) : undefined),
      value,
    );
  const env = read(job.spec, ['template', 'spec', 'containers', '0', 'env']);
  for (const one of Array.isArray(env) ? (env as unknown[]) : []) {
    found.set(String(read(one, ['name'])), String(read(one, ['value'])));
  }
  return {
    NEUROCARDS_ORDER: found.get('NEUROCARDS_ORDER') ?? '',
    NEUROCARDS_VIDEOJOB_UID: found.get('NEUROCARDS_VIDEOJOB_UID') ?? '',
    NEUROCARDS_EXECUTION: Number(found.get('NEUROCARDS_EXECUTION')),
    NEUROCARDS_DELIVERY_TIMEOUT_SECONDS: found.get('NEUROCARDS_DELIVERY_TIMEOUT_SECONDS') ?? '60',
  };
}
