import type { Ask } from './network.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

type Asked = Pick<Ask<unknown>, 'effect' | 'about' | 'process'>;

/** Faults that are only seen from two effects together: who raced whom, what came too late, what was away when it was needed. */
export class Coincidences {
  readonly #world: World;
  /** Who asked last for an effect about an order, and until when it was under way. */
  readonly #last = new Map<string, { process: Process; at: number }>();
  readonly #begun = new Map<string, { process: Process; at: number }[]>();

  constructor(world: World) {
    this.#world = world;
    world.network.onStart = (ask) => this.#started(ask);
    world.network.onPerformed = (ask, startedAt) => this.#performed(ask, startedAt);
    world.network.onAway = (ask) => this.#away(ask);
  }

  #started({ effect, about, process }: Asked): void {
    if (about === undefined || !watched.has(effect)) return;
    const key = `${effect}/${about}`;
    const known = this.#begun.get(key) ?? [];
    known.push({ process, at: this.#world.engine.now });
    this.#begun.set(key, known);
  }

  #performed({ effect, about, process }: Asked, startedAt: number): void {
    if (about === undefined || !watched.has(effect)) return;
    const { network, engine } = this.#world;
    const key = `${effect}/${about}`;
    const before = this.#last.get(key);
    // Another process did the same while this call was on its way, or both were at it within a moment.
    if (before !== undefined && before.process !== process && before.at >= startedAt - 1_000) {
      if (effect !== 'shown') network.strike(effect, 'raced', process.name, about);
    }
    this.#last.set(key, { process, at: engine.now });
    if (effect === 'relay POST') this.#posted(about, process);
    if (effect === 'shown') this.#crossed(['close_order', 'cancel_order', 'cancel_claimed_order'], about, startedAt);
    if (effect.startsWith('close') || effect.startsWith('cancel')) this.#crossed(['shown'], about, startedAt, effect);
    if (effect === 'lease_delivery') this.#leased(about, process);
  }

  /** A release and a capture of the same order were under way at the same time. */
  #crossed(others: readonly string[], about: string, startedAt: number, own?: string): void {
    const { network, engine } = this.#world;
    for (const other of others) {
      const at = this.#last.get(`${other}/${about}`)?.at;
      const begun = this.#begun.get(`${other}/${about}`)?.at(-1)?.at;
      const met = (at !== undefined && at >= startedAt) || (begun !== undefined && begun >= startedAt - 50);
      if (met && begun !== undefined && begun <= engine.now) {
        network.strike(own ?? other, 'raced', 'both', about);
        return;
      }
    }
  }

  #posted(about: string, process: Process): void {
    const { tables, server, network } = this.#world;
    const hold = tables.holds.get(about);
    const isGone = server.find('videojobs', `vj-${about}`) === undefined;
    if (hold !== undefined && hold.state !== 'held' && isGone)
      network.strike('relay POST', 'late', process.name, about);
  }

  #leased(about: string, process: Process): void {
    const { cluster, network } = this.#world;
    const mine = cluster.pods.find((pod) => pod.process === process);
    const isTwin = cluster.pods.some(
      (pod) => pod !== mine && pod.jobUid === mine?.jobUid && pod.isStarted && !pod.isOver,
    );
    if (isTwin) network.strike('lease_delivery', 'raced', process.name, about);
  }

  /** PostgreSQL was away when an object waited for its finalizer. */
  #away({ about, process, effect }: Asked & Pick<Ask<unknown>, 'side'>): void {
    if (about === undefined || process.kind !== 'controller') return;
    const object = this.#world.server.find('videojobs', `vj-${about}`);
    if (object?.metadata.deletionTimestamp !== undefined && (effect === 'observe' || effect === 'close_order')) {
      this.#world.network.strike('finalizer', 'away', process.name, about);
    }
  }
}

const watched = new Set([
  ...['claim', 'relay POST', 'lease_delivery', 'close_order', 'cancel_order', 'cancel_claimed_order', 'shown'],
]);
