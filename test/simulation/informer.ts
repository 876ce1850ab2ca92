import type { KubeObject, Resource } from '../../src/kube/resources.ts';
import { keyOf } from '../../src/kube/resources.ts';
import { createStore, type WritableStore } from '../../src/kube/store.ts';
import type { ApiServer, Change } from './api-server.ts';
import type { Network } from './network.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import { asRead } from './reading.ts';

const relistMs = 600_000;

/**
 * What a controller believes of one resource: filled from a list that may be stale, kept by a watch whose events come late, are
 * swallowed, or stop without a word. Its store is the product's own.
 */
export class Informer<T extends KubeObject> {
  readonly store: WritableStore<T>;
  readonly #resource: Resource<T>;
  readonly #network: Network;
  readonly #server: ApiServer;
  readonly #process: Process;
  readonly #random: Random;
  readonly #onChange: (object: T) => void;
  /** How many of the server's changes were told. */
  #told: number;
  #isPumping = false;
  #deadUntil = 0;

  constructor(
    network: Network,
    server: ApiServer,
    process: Process,
    random: Random,
    resource: Resource<T>,
    onChange: (object: T) => void,
    indexBy?: (object: T) => string | undefined,
  ) {
    this.#network = network;
    this.#server = server;
    this.#process = process;
    this.#random = random;
    this.#resource = resource;
    this.#onChange = onChange;
    this.store = createStore(indexBy);
    this.#told = server.changes.length;
    this.#listFirst();
  }

  /** Something changed at the server: it is told after a while, unless the watch is dead. */
  notice(): void {
    if (this.#isPumping || !this.#process.alive) return;
    this.#isPumping = true;
    const wait = Math.max(this.#deadUntil - this.#network.engine.now, this.#random.between(2, 60));
    this.#network.engine.after(wait, this.#process, () => this.#pump());
  }

  #pump(): void {
    this.#isPumping = false;
    const until = this.#server.changes.length;
    while (this.#told < until) {
      const change = this.#server.changes[this.#told];
      this.#told += 1;
      if (change === undefined || change.plural !== this.#resource.plural) continue;
      const decision = this.#network.luck.draw('watch', ['lost', 'delayed', 'stale']);
      if (decision?.misdeed === 'lost') {
        this.#network.strike('watch', 'lost', this.#process.name, undefined);
        continue;
      }
      if (decision !== undefined) {
        // The stream says nothing for a while, and nobody notices: what comes then is old.
        this.#network.strike('watch', decision.misdeed === 'stale' ? 'stale' : 'lost', this.#process.name, undefined);
        this.#deadUntil = this.#network.engine.now + Math.min(decision.ms * 2, 150_000);
        this.#told -= 1;
        this.notice();
        return;
      }
      this.#take(change);
    }
  }

  #take({ type, object }: Change): void {
    const parsed = asRead(this.#resource, object);
    if (type === 'DELETED') this.store.remove(keyOf(parsed));
    else this.store.put(parsed);
    this.#onChange(parsed);
  }

  /** The first list; a stale one shows what was there some changes ago, and the watch goes on from there. */
  #listFirst(): void {
    const decision = this.#network.luck.draw('watch', ['stale']);
    if (decision === undefined) {
      for (const object of this.#server.list(this.#resource.plural)) this.#take({ type: 'ADDED', plural: '', object });
    } else {
      this.#network.strike('watch', 'stale', this.#process.name, undefined);
      this.#told = Math.max(0, this.#told - this.#random.between(1, 12));
      const then = new Map<string, Change>();
      for (const change of this.#server.changes.slice(0, this.#told)) {
        if (change.plural === this.#resource.plural) then.set(change.object.metadata.name, change);
      }
      for (const change of then.values()) if (change.type !== 'DELETED') this.#take(change);
      this.#deadUntil = this.#network.engine.now + Math.min(decision.ms, 30_000);
      this.notice();
    }
    this.#network.engine.after(relistMs, this.#process, () => this.#relist());
  }

  #relist(): void {
    this.#told = this.#server.changes.length;
    const found = new Map(
      this.#server.list(this.#resource.plural).map((object) => {
        const parsed = asRead(this.#resource, object);
        return [keyOf(parsed), parsed] as const;
      }),
    );
    for (const key of this.store.keys()) {
      const gone = found.has(key) ? undefined : this.store.remove(key);
      if (gone !== undefined) this.#onChange(gone);
    }
    for (const object of found.values()) {
      const before = this.store.put(object);
      if (before?.metadata.resourceVersion !== object.metadata.resourceVersion) this.#onChange(object);
    }
    this.#network.engine.after(relistMs, this.#process, () => this.#relist());
  }
}
