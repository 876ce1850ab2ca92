import { announce } from '../../src/bot/notices.ts';
import { sweepShowings } from '../../src/bot/showings.ts';
import { createVideoJobs } from '../../src/bot/video-jobs.ts';
import { relayOrders } from '../../src/order/relay.ts';
import type { DatabasePool } from '../../src/postgres/pool.ts';
import { chatOver } from '../../src/telegram/chat.ts';
import type { TelegramClient } from '../../src/telegram/client.ts';
import { kubeDoor } from './kube-door.ts';
import { nextShowingAt } from './postgres/deliveries.ts';
import { nextNoticeAt } from './postgres/notices.ts';
import { nextRelayAt } from './postgres/orders.ts';
import { Process } from './process.ts';
import { storageDoor } from './storage.ts';
import { telegramDoor } from './telegram.ts';
import type { World } from './world.ts';

/** One replica of the bot: relay, notices and showings are the product's loops; what people tap comes through `Customer`. */
export class Bot {
  readonly process: Process;
  readonly database: DatabasePool;
  readonly telegram: TelegramClient;
  readonly mirrorCancel: (orderId: string) => void;
  readonly #loops: { channel: string; consider: () => void }[] = [];
  readonly #world: World;

  constructor(world: World, name: string) {
    this.#world = world;
    this.process = new Process('bot', name);
    const { process } = this;
    const { network, server, log, tables } = world;
    world.lend(process);
    const database = world.database(process);
    const telegram = telegramDoor(network, world.telegram, process);
    const videoJobs = createVideoJobs(kubeDoor(network, server, process), 'jobs', log);
    const storage = storageDoor(network, world.objects, process);
    this.database = database;
    this.telegram = telegram;
    this.mirrorCancel = videoJobs.mirrorCancel;
    this.#loop(
      'neurocards_relay',
      1_000,
      () => nextRelayAt(tables),
      () => relayOrders({ database, post: videoJobs.post, log, onResult: () => undefined }),
    );
    this.#loop(
      'neurocards_notices',
      1_000,
      () => nextNoticeAt(tables),
      () => announce({ database, telegram, owner: name, log }),
    );
    this.#loop(
      'neurocards_notices',
      2_000,
      () => nextShowingAt(tables),
      () => sweepShowings({ desk: { database, chat: chatOver(telegram), storage }, owner: name, log }),
    );
  }

  hear(channel: string): void {
    for (const loop of this.#loops) if (loop.channel === channel) loop.consider();
  }

  /**
   * As `runLoop` does it: again at once while there may be more, else at a notification or the next look. Looks that would find nothing
   * are not played: they change nothing.
   */
  #loop(channel: string, everyMs: number, nextAt: () => number, turn: () => Promise<boolean>): void {
    const { engine, random } = this.#world;
    let planned = Number.POSITIVE_INFINITY;
    let isTurning = false;
    const plan = (ms: number): void => {
      const at = engine.now + ms;
      if (isTurning || at >= planned) return;
      planned = at;
      engine.after(ms, this.process, () => {
        if (planned === at) go();
      });
    };
    const consider = (isRung: boolean): void => {
      const wait = nextAt() - engine.now;
      if (!Number.isFinite(wait)) return;
      // Something is due now, and the bell rings; or later, and the first look after that moment finds it.
      plan(wait <= 0 ? (isRung ? random.between(1, 10) : everyMs) : wait + random.between(0, everyMs));
    };
    const go = (): void => {
      planned = Number.POSITIVE_INFINITY;
      isTurning = true;
      const rest = (more: boolean): void => {
        isTurning = false;
        if (more) plan(1);
        else consider(false);
      };
      turn().then(rest, (error: unknown) => {
        this.#world.judgeError(error, `loop of ${this.process.name}`);
        isTurning = false;
        plan(1_000);
      });
    };
    this.#loops.push({ channel, consider: () => consider(true) });
    engine.after(random.between(1, everyMs), this.process, () => consider(true));
  }
}
