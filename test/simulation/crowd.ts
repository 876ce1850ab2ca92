import { cancelOrder } from '../../src/ledger/settlement.ts';
import { placeOrders } from '../../src/order/placement.ts';
import { inTransaction } from '../../src/postgres/transaction.ts';
import { buildVideoJob, serializeVideoJob } from '../../src/videojob/build.ts';
import { newOrderId } from '../../src/videojob/order-id.ts';
import type { StoredObject } from './api-server.ts';
import type { Bot } from './bot.ts';
import { signingKey } from './controller.ts';
import { orderOf } from './kube-door.ts';
import { askShowing } from './postgres/deliveries.ts';
import { recordConsent, registerPerson } from './postgres/orders.ts';
import { transfer } from './postgres/settlement.ts';
import type { Act, Tap } from './schedule.ts';
import type { World } from './world.ts';

/** One tap of somebody on its way into the bot. */
interface Update {
  readonly updateId: number;
  readonly tap: Tap | { readonly cancel: string; readonly person: number };
  /** In PostgreSQL, so that a rollback takes it back. */
  readonly row: { isStored: boolean; isDecided: boolean };
  isAnswered: boolean;
  isTaken: boolean;
}

interface Person {
  readonly userId: number;
  readonly chatId: number;
}

/** Clocks that end soon, so that a schedule is short: the rules do not depend on their length. */
const clocks = {
  activeDeadlineSeconds: 240,
  queueTimeoutSeconds: 150,
  delivery: { minExecutions: 2, timeoutSeconds: 45, deadlineSeconds: 90 },
};
const furtherTaskSeconds = 120;

/** The people, the operators and the bad luck of machines: whoever acts on the system from outside. */
export class Crowd {
  readonly people: Person[] = [];
  /** Results that somebody was told for good, by order. */
  readonly acknowledged = new Map<string, 'placed' | 'cancelled'>();
  readonly #world: World;
  readonly #updates: Update[] = [];
  readonly #confirmations = new Map<string, number>();
  #left = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Nobody will do anything more, and everything said was heard. */
  get isQuiet(): boolean {
    const { telegram } = this.#world;
    return (
      this.#left === 0 &&
      this.#updates.every(({ isAnswered, updateId }) => isAnswered && telegram.confirmed.has(updateId))
    );
  }

  /** How often people tapped. */
  get taps(): number {
    return this.#updates.length;
  }

  /** Updates that Telegram will not send again, and that nobody stored. */
  get lostUpdates(): number[] {
    const { telegram } = this.#world;
    return this.#updates.flatMap(({ updateId, row }) =>
      telegram.confirmed.has(updateId) && !row.isStored ? [updateId] : [],
    );
  }

  begin(): void {
    const { schedule, engine, tables, objects, telegram } = this.#world;
    objects.set('photo/1', Buffer.from('photo'));
    for (let index = 0; index < 2; index += 1) {
      const chatId = 1_000 + index;
      registerPerson(tables, chatId, 'en');
      recordConsent(tables, index + 1, '1');
      const grant = { key: `admin:${index}`, kind: 'grant', userId: index + 1, amount: 4, freeAmount: 4 };
      transfer(tables, { ...grant, debit: 'sys/grants', credit: `user/${index + 1}/available` });
      this.people.push({ userId: index + 1, chatId });
      telegram.room(chatId);
    }
    tables.commit();
    this.#left = schedule.taps.length + schedule.acts.length;
    for (const tap of schedule.taps) {
      // The confirmation whose button is tapped.
      const { chatId = 0 } = this.people[tap.person] ?? {};
      if (!this.#confirmations.has(tap.nonce)) this.#confirmations.set(tap.nonce, telegram.send(chatId, tap.nonce));
      engine.after(tap.at, null, () => {
        this.#left -= 1;
        this.#say(tap);
      });
    }
    for (const act of schedule.acts) {
      engine.after(act.at, null, () => {
        this.#left -= 1;
        this.#act(act);
      });
    }
  }

  #say(tap: Update['tap']): void {
    const update = {
      ...{ updateId: this.#updates.length + 1, tap, row: { isStored: false, isDecided: false } },
      ...{ isAnswered: false, isTaken: false },
    };
    this.#updates.push(update);
    void this.#receive(update);
  }

  /** One receiver asks Telegram, stores, and only then confirms; what was not confirmed comes again. */
  async #receive(update: Update): Promise<void> {
    const { network, engine, random, telegram } = this.#world;
    const [bot] = this.#world.liveBots;
    const again = (): void => void engine.after(random.between(300, 2_000), null, () => void this.#receive(update));
    if (bot === undefined) {
      again();
      return;
    }
    // Dies with the bot: then the next one is asked for the same.
    const watch = engine.after(20_000, null, () => void this.#receive(update));
    const lost = (): { error: unknown } => ({ error: new Error('not stored') });
    try {
      await network.ask({
        ...{ process: bot.process, side: 'postgres', effect: 'inbox', lost, limitMs: 35_000 },
        misdeeds: ['before', 'after', 'kill before', 'kill after', 'pause'],
        perform: () => this.#stored(update),
      });
      await network.ask({
        ...{ process: bot.process, side: 'telegram', effect: 'confirm updates', lost, limitMs: 35_000 },
        misdeeds: ['before', 'after', 'kill before', 'kill after'],
        perform: () => void telegram.confirmed.add(update.updateId),
      });
      watch();
      if (!telegram.confirmed.has(update.updateId)) again();
    } catch {
      watch();
      again();
    }
  }

  #stored(update: Update): void {
    const { tables } = this.#world;
    if (update.row.isStored) return;
    tables.set(update.row, { isStored: true });
    this.#world.onCommit(tables.commit());
    // Rung by a notification: every replica looks, and one gets the row.
    this.#handle(update);
  }

  #handle(update: Update): void {
    const { engine, random } = this.#world;
    engine.after(random.between(1, 30), null, () => {
      if (update.isAnswered || !update.row.isStored) return;
      const bots = this.#world.liveBots;
      const bot = bots[random.between(0, Math.max(0, bots.length - 1))];
      const later = (): void => this.#handle(update);
      if (bot === undefined || update.isTaken) {
        engine.after(1_000, null, later);
        return;
      }
      update.isTaken = true;
      const release = engine.after(25_000, null, () => {
        update.isTaken = false;
        later();
      });
      const free = (): void => {
        update.isTaken = false;
      };
      bot.process.onKill(free);
      // Whatever it does, it does as this bot.
      engine.after(0, bot.process, () => {
        this.#decideAndAnswer(update, bot)
          .then(() => {
            update.isAnswered = true;
          })
          .catch((error: unknown) => {
            this.#world.judgeError(error, `update handled by ${bot.process.name}`);
            engine.after(1_000, null, later);
          })
          .finally(() => {
            release();
            free();
          });
      });
    });
  }

  async #decideAndAnswer(update: Update, bot: Bot): Promise<void> {
    if (!update.row.isDecided) await this.#decide(update, bot);
    await bot.telegram.answerCallback(`tap ${update.updateId}`, 'noted').catch(() => undefined);
  }

  async #decide(update: Update, bot: Bot): Promise<void> {
    const { tables } = this.#world;
    const { tap } = update;
    if ('cancel' in tap) {
      const { cancel: orderId } = tap;
      const userId = this.people[tap.person]?.userId ?? 0;
      const { outcome } = await inTransaction(bot.database, async (database) => {
        const answer = await cancelOrder(database, orderId, userId);
        tables.set(update.row, { isDecided: true });
        return answer;
      });
      if (outcome === 'cancelled') {
        this.acknowledged.set(orderId, 'cancelled');
        bot.mirrorCancel(orderId);
      }
      return;
    }
    const placed = await inTransaction(bot.database, async (database) => {
      const answer = await placeOrders(database, this.#placement(tap));
      tables.set(update.row, { isDecided: true });
      return answer;
    });
    if (placed.outcome !== 'placed' && placed.outcome !== 'exists') return;
    if (placed.outcome === 'exists') this.#world.network.strike('place_orders', 'raced', bot.process.name, tap.nonce);
    for (const orderId of placed.orders) if (!this.acknowledged.has(orderId)) this.acknowledged.set(orderId, 'placed');
  }

  #placement({ person, nonce, count }: Tap): Parameters<typeof placeOrders>[1] {
    const { userId = 0, chatId = 0 } = this.people[person] ?? {};
    const messageId = this.#confirmations.get(nonce) ?? 0;
    const orders = Array.from({ length: count }, () => {
      const manifest = buildVideoJob({
        ...{
          orderId: newOrderId(),
          userId,
          credits: 1,
          photo: 'photo/1',
          template: 'ad',
          signingKey,
          ...clocks,
        },
        generation: { provider: 'kie', model: 'kling', mode: 'Pod', timeoutSeconds: furtherTaskSeconds },
      });
      const { id, specHash } = manifest.spec.order;
      return { orderId: id, videoJob: serializeVideoJob(manifest), specHash };
    });
    return {
      ...{ userId, nonce, unitPrice: 1, requestHash: `${nonce}/${count}`, chatId, messageId, language: 'en' },
      ...{
        template: 'ad',
        productText: `a cup for ${nonce}`,
        wishes: null,
        photoKey: 'photo/1',
        repeats: null,
        orders,
      },
    };
  }

  // -- acts

  #order(pick: number): string | undefined {
    const ids = [...this.#world.tables.orders.keys()];
    return ids[pick % Math.max(1, ids.length)];
  }

  #act({ what, pick, ms }: Act): void {
    const { network, engine } = this.#world;
    const runner = this.#world.cluster.pods.find(({ isStarted, isOver }) => isStarted && !isOver)?.process;
    const orderId = this.#order(pick);
    switch (what) {
      case 'cancel':
        if (orderId !== undefined) this.#say({ cancel: orderId, person: this.#personOf(orderId) });
        break;
      case 'block':
      case 'delete the message':
        this.#inChat(what, pick);
        break;
      case 'come back':
        this.#comeBack();
        break;
      case 'ask again':
        if (orderId !== undefined) this.#askAgain(orderId);
        break;
      case 'kill bot':
        this.#world.liveBots[0]?.process.kill();
        break;
      case 'kill controller':
        this.#world.liveControllers[0]?.process.kill();
        break;
      case 'kill runner':
        runner?.kill();
        break;
      case 'pause controller':
        this.#pauseController(ms);
        break;
      case 'pause runner':
        network.strike('pause', 'delayed', 'runner', undefined);
        if (runner !== undefined) runner.pausedUntil = engine.now + 30_000 + ms;
        break;
      case 'second leader':
        this.#secondLeader(ms);
        break;
      case 'postgres away':
      case 'telegram away':
      case 'provider away':
        network.away(what === 'postgres away' ? 'postgres' : what === 'telegram away' ? 'telegram' : 'provider', ms);
        break;
      case 'api away':
        network.away('api', ms * 3);
        break;
      default:
        this.#atApiServer(what, orderId, pick);
    }
  }

  /** What operators do with kubectl. */
  #atApiServer(what: Act['what'], orderId: string | undefined, pick: number): void {
    const { server } = this.#world;
    const name = `vj-${orderId ?? ''}`;
    const object = server.find('videojobs', name);
    switch (what) {
      case 'kubectl cancel':
        if (object !== undefined) server.patch('videojobs', name, { spec: { cancel: true } });
        break;
      case 'suspend':
        if (object !== undefined) server.patch('videojobs', name, { spec: { suspend: true } });
        break;
      case 'resume':
        for (const { metadata, spec } of server.list('videojobs')) {
          if (spec?.['suspend'] === true) server.patch('videojobs', metadata.name, { spec: { suspend: false } });
        }
        break;
      case 'delete':
        if (object !== undefined) server.delete('videojobs', name);
        break;
      case 'strip and delete':
      case 'delete and make again':
        if (object !== undefined) this.#strip(object, what === 'delete and make again');
        break;
      case 'make by hand':
        this.#makeByHand(pick);
        break;
      case 'make an altered one':
        this.#makeAltered(orderId);
        break;
      default: {
        const job = server.list('jobs').at(-1);
        if (job !== undefined) server.delete('jobs', job.metadata.name);
      }
    }
  }

  #strip(object: StoredObject, again: boolean): void {
    const { server, network } = this.#world;
    const { name } = object.metadata;
    network.strike('finalizer', 'stripped', 'operator', orderOf(name));
    server.alter('videojobs', name, ({ metadata }) => ({ metadata: { ...metadata, finalizers: [] } }));
    // An object that was being deleted is gone with its last finalizer.
    if (server.find('videojobs', name) !== undefined) server.delete('videojobs', name);
    if (!again) return;
    network.strike('claim', 'recreated', 'operator', orderOf(name));
    server.create('videojobs', 'jobs', { ...object, metadata: manualMetadata(object.metadata), status: undefined });
  }

  #inChat(what: 'block' | 'delete the message', pick: number): void {
    const person = this.people[pick % 2 === 0 ? 0 : 1];
    if (person === undefined) return;
    const room = this.#world.telegram.room(person.chatId);
    if (what === 'block') room.isBlocked = true;
    else for (const message of room.messages.slice(-1)) message.isDeleted = true;
  }

  #personOf(orderId: string): number {
    const { userId } = this.#world.tables.order(orderId);
    return Math.max(
      0,
      this.people.findIndex((person) => person.userId === userId),
    );
  }

  #makeByHand(pick: number): void {
    const { server, network } = this.#world;
    const manifest = buildVideoJob({
      ...{
        orderId: `${'handmade'.slice(0, 8)}abc${'234567'.charAt(pick % 6)}`,
        userId: 1,
        credits: 1,
        photo: 'photo/1',
      },
      ...{ template: 'ad', signingKey: 'guess', generation: { provider: 'kie', model: 'kling' } },
    });
    if (server.find('videojobs', manifest.metadata.name) !== undefined) return;
    network.strike('claim', 'hand-made', 'operator', undefined);
    server.create('videojobs', 'jobs', manifest);
  }

  /** Stands where the true object of an order should, with another content. */
  #makeAltered(orderId: string | undefined): void {
    const { server, network, tables } = this.#world;
    if (orderId === undefined || server.find('videojobs', `vj-${orderId}`) !== undefined) return;
    const manifest = buildVideoJob({
      ...{ orderId, userId: tables.order(orderId).userId, credits: 1, photo: 'photo/2', template: 'ugc' },
      ...{ signingKey: 'guess', generation: { provider: 'kie', model: 'kling', maxAttempts: 5 } },
    });
    network.strike('claim', 'hand-made', 'operator', orderId);
    server.create('videojobs', 'jobs', manifest);
  }

  #comeBack(): void {
    const { tables, telegram } = this.#world;
    for (const { chatId } of this.people) {
      telegram.room(chatId).isBlocked = false;
      registerPerson(tables, chatId, 'en');
    }
    this.#world.onCommit(tables.commit());
  }

  #askAgain(orderId: string): void {
    const { tables } = this.#world;
    askShowing(tables, orderId, tables.order(orderId).userId);
    this.#world.onCommit(tables.commit());
  }

  /** SIGSTOP of the leader: another one leads when its lease ran out, and the first one comes back for a moment. */
  #pauseController(ms: number): void {
    const { engine, network } = this.#world;
    const [first] = this.#world.liveControllers;
    if (first === undefined) return;
    const pauseMs = 16_000 + ms;
    network.strike('pause', 'delayed', first.process.name, undefined);
    first.process.pausedUntil = engine.now + pauseMs;
    engine.after(15_500, null, () => this.#world.startController());
    engine.after(pauseMs + 3_000, null, () => first.process.kill());
  }

  #secondLeader(ms: number): void {
    const { engine } = this.#world;
    const [first] = this.#world.liveControllers;
    this.#world.startController();
    engine.after(Math.min(ms, 25_000), null, () => first?.process.kill());
  }
}

function manualMetadata({ name, labels, finalizers }: StoredObject['metadata']): object {
  return { name, labels, finalizers };
}
