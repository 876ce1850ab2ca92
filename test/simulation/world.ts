import { pino } from 'pino';
import type { Logger } from '../../src/log/logger.ts';
import type { DatabasePool } from '../../src/postgres/pool.ts';
import { ApiServer, type Change } from './api-server.ts';
import { Bot } from './bot.ts';
import { classified } from './classified.ts';
import { Cluster } from './cluster.ts';
import { Coincidences } from './coincidences.ts';
import { Controller } from './controller.ts';
import { Crowd } from './crowd.ts';
import { DatabaseDoor } from './database.ts';
import { Engine } from './engine.ts';
import { Luck } from './luck.ts';
import { Network, type Side, type Tampering, type Undo } from './network.ts';
import { noteCallback } from './postgres/submits.ts';
import { type Notification, Tables } from './postgres/tables.ts';
import type { Process } from './process.ts';
import { Provider } from './provider.ts';
import { Random } from './random.ts';
import type { Schedule } from './schedule.ts';
import { Telegram } from './telegram.ts';

/** Everything begins on one and the same morning. */
const beginning = Date.UTC(2026, 10, 28, 8);
/** So long chance strikes; afterwards everything has to come to its end. */
const luckMs = 150_000;

/** One schedule's world: the other sides, our processes, and what the oracles need to know about them. */
export class World {
  readonly schedule: Schedule;
  readonly engine = new Engine(beginning);
  readonly random: Random;
  readonly luck: Luck;
  readonly network: Network;
  readonly tables: Tables;
  readonly server: ApiServer;
  readonly provider: Provider;
  readonly telegram: Telegram;
  readonly cluster: Cluster;
  readonly crowd: Crowd;
  readonly coincidences: Coincidences;
  readonly objects = new Map<string, Uint8Array>();
  readonly controllers: Controller[] = [];
  readonly bots: Bot[] = [];
  /** What went wrong that no product code should let happen, in sentences. */
  readonly faultsOfOurs: string[] = [];
  readonly log: Logger = log;
  readonly quietAt = beginning + luckMs;
  #names = 0;
  #isLooking = false;

  constructor(schedule: Schedule, tampering?: Tampering) {
    this.schedule = schedule;
    const { seed } = schedule;
    this.random = new Random(seed, 2);
    this.luck = new Luck(new Random(seed, 3), schedule.luck);
    this.network = new Network(
      this.engine,
      this.luck,
      new Random(seed, 4),
      tampering,
      (side) => () => this.#undo(side),
    );
    const now = (): number => this.engine.now;
    const fences = new Random(seed, 5);
    this.tables = new Tables(now, () => fences.bits());
    this.tables.settings.usualSeconds = 20;
    this.tables.settings.liveAttemptLimit = schedule.slots;
    const uids = new Random(seed, 6);
    this.server = new ApiServer(now, () => uids.uuid());
    this.telegram = new Telegram(now);
    this.cluster = new Cluster(this);
    this.server.onChange = (change) => this.#changed(change);
    this.provider = new Provider(this.engine, this.network, new Random(seed, 7), schedule.outcomes, (task, nonce) => {
      // Through the bot's one public door, which only writes it down.
      if (this.network.isAway('postgres')) return;
      noteCallback(this.tables, nonce, task.taskId);
      this.onCommit(this.tables.commit());
    });
    this.coincidences = new Coincidences(this);
    this.crowd = new Crowd(this);
    reporting.to = this;
  }

  /** Begins everything; from here on the engine runs. */
  begin(): void {
    for (let left = this.schedule.bots; left > 0; left -= 1) this.startBot();
    this.startController();
    this.crowd.begin();
    this.engine.after(luckMs, null, () => this.luck.beQuiet());
  }

  database(process: Process): DatabasePool {
    return new DatabaseDoor(this.network, this.tables, process, (told) => this.onCommit(told));
  }

  /** A process gets a machine: one whose clock may be wrong. */
  lend(process: Process): void {
    const decision = this.luck.draw('clocks', ['jumped']);
    if (decision === undefined) return;
    this.network.strike('clocks', 'jumped', process.name, undefined);
    const ahead = (decision.ms % 2 === 0 ? 1 : -1) * Math.min(decision.ms * 10, 600_000);
    // Wrong from the beginning, or all of a sudden.
    this.engine.after(decision.ms % 3 === 0 ? 0 : decision.ms, process, () => {
      process.clockOffset = ahead;
    });
  }

  startBot(): void {
    this.#names += 1;
    const bot = new Bot(this, `bot-${this.#names}`);
    this.bots.push(bot);
    // A Deployment starts another one.
    bot.process.onKill(() => void this.engine.after(this.random.between(500, 5_000), null, () => this.startBot()));
  }

  startController(): void {
    this.#names += 1;
    const controller = new Controller(this, `controller-${this.#names}`);
    this.controllers.push(controller);
    controller.process.onKill(() => {
      // The lease of 15 s has to run out, unless another one leads already.
      this.engine.after(this.random.between(1_000, 17_000), null, () => {
        if (!this.controllers.some(({ process }) => process.alive)) this.startController();
      });
    });
  }

  get liveControllers(): Controller[] {
    return this.controllers.filter(({ process }) => process.alive);
  }

  get liveBots(): Bot[] {
    return this.bots.filter(({ process }) => process.alive);
  }

  isSomebodyWaiting(): boolean {
    const { orders, holds } = this.tables;
    for (const { orderId, claimedBy, admittedAt } of orders.values()) {
      if (claimedBy !== null && admittedAt === null && holds.get(orderId)?.state === 'held') return true;
    }
    return false;
  }

  /** NOTIFY at COMMIT, which may be lost with a connection; and the looks that come without any. */
  onCommit(told: readonly Notification[]): void {
    const heard = new Set<string>();
    for (const { channel, payload } of told) {
      const decision = this.luck.draw('notify', ['lost']);
      if (decision !== undefined) this.network.strike('notify', 'lost', 'postgres', payload);
      else if (channel === 'neurocards_orders') for (const one of this.liveControllers) one.hear(payload);
      else heard.add(channel);
    }
    for (const channel of heard) for (const bot of this.liveBots) bot.hear(channel);
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.engine.after(2_000, null, () => {
      this.#isLooking = false;
      for (const bot of this.liveBots) {
        for (const channel of ['neurocards_relay', 'neurocards_notices']) bot.hear(channel);
      }
    });
  }

  /** An error that ended a pass, a round or a runner: trouble outside is expected, everything else is ours. */
  judgeError(error: unknown, where: string): void {
    const because = classified(error);
    if (because !== null) this.faultsOfOurs.push(`${where}: ${because}`);
  }

  #changed(change: Change): void {
    this.cluster.onChange(change);
    for (const controller of this.liveControllers) controller.notice(change.plural);
  }

  #undo(side: Side): Undo {
    if (side === 'postgres') return this.tables.pin();
    if (side === 'api') return this.server.snapshot();
    if (side === 'provider') {
      const { tasks, photos } = this.provider;
      const made = tasks.length;
      const known = new Set(photos);
      return () => {
        tasks.length = made;
        for (const photo of photos) if (!known.has(photo)) photos.delete(photo);
      };
    }
    if (side === 'telegram') return this.telegram.snapshot();
    const objects = new Map(this.objects);
    return () => {
      this.objects.clear();
      for (const [key, bytes] of objects) this.objects.set(key, bytes);
    };
  }
}

/** The world that plays now. */
const reporting: { to?: World } = {};

/** The product's logger: what it calls an error is looked at, the rest costs nothing. */
const log: Logger = pino({
  level: 'error',
  hooks: {
    logMethod(given) {
      const [first] = given as unknown[];
      const error: unknown = typeof first === 'object' && first !== null ? Reflect.get(first, 'err') : undefined;
      if (error !== undefined) reporting.to?.judgeError(error, 'log');
    },
  },
});

process.on('unhandledRejection', (reason) => {
  if (reporting.to === undefined) throw reason;
  reporting.to.faultsOfOurs.push(
    `unhandled rejection: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`,
  );
});
