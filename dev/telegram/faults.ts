import { z } from 'zod';
import type { Fault, StoredUpdate } from './model.ts';
import { faultKind } from './model.ts';
import { ControlError } from './refusal.ts';
import type { Store } from './store.ts';

const order = z.strictObject({
  method: z.string().min(1),
  fault: faultKind,
  times: z.int().min(1).max(1_000_000).default(1),
  chat: z.int().optional(),
  retry_after: z.int().min(1).max(3600).optional(),
  seconds: z.number().min(0).max(3600).optional(),
});

/** Bad luck that somebody ordered: each entry strikes the next `times` calls of its method. */
export class Faults {
  readonly #store: Store;
  readonly #methods: ReadonlyMap<string, string>;
  #cleared = new AbortController();

  /** @param methods every name that can be ordered */
  constructor(store: Store, methods: readonly string[]) {
    this.#store = store;
    this.#methods = new Map(methods.map((name) => [name.toLowerCase(), name]));
  }

  add(body: unknown): Fault {
    const parsed = order.safeParse(body);
    if (!parsed.success) throw new ControlError(400, z.prettifyError(parsed.error));
    const { chat, retry_after, seconds, ...given } = parsed.data;
    const method = given.method === '*' ? '*' : this.#methods.get(given.method.toLowerCase());
    if (method === undefined) throw new ControlError(400, `There is no method "${given.method}" to disturb.`);
    const canRepeat = method === 'getUpdates' || method === 'webhook';
    if (given.fault === 'redeliver' ? !canRepeat : method === 'webhook') {
      throw new ControlError(
        400,
        'redeliver is for the methods getUpdates and webhook, and webhook knows no other fault.',
      );
    }
    const fault: Fault = {
      ...given,
      id: this.#store.nextFaultId(),
      method,
      ...(chat === undefined ? {} : { chat }),
      ...(retry_after === undefined ? {} : { retry_after }),
      ...(seconds === undefined ? {} : { seconds }),
    };
    this.#store.commit([{ t: 'fault', fault }]);
    return fault;
  }

  list(): Fault[] {
    return [...this.#store.faults.values()];
  }

  /** Forgets all of them; calls that hang because of one are let go. */
  clear(): void {
    this.#store.commit([{ t: 'faults-cleared' }]);
    this.release();
  }

  /** Lets calls go that hang, without forgetting any fault: the stand-in is stopping. */
  release(): void {
    this.#cleared.abort();
    this.#cleared = new AbortController();
  }

  /** Aborted when the faults are cleared. */
  get cleared(): AbortSignal {
    return this.#cleared.signal;
  }

  /** The fault that strikes this call; it is used up by one. `*` strikes every method but getUpdates. */
  take(method: string, chat: number | undefined): Fault | undefined {
    const found = this.list().find(
      (fault) =>
        fault.fault !== 'redeliver' &&
        (fault.method === method || (fault.method === '*' && method !== 'getUpdates')) &&
        (fault.chat === undefined || fault.chat === chat),
    );
    if (found !== undefined) this.#use(found);
    return found;
  }

  /** The update to hand out once more: the last one confirmed, of the fault's chat when it names one. */
  takeRedelivery(method: 'getUpdates' | 'webhook'): StoredUpdate | undefined {
    for (const fault of this.list()) {
      if (fault.fault !== 'redeliver' || fault.method !== method) continue;
      const update = this.#store.confirmed.findLast((each) => fault.chat === undefined || each.chat === fault.chat);
      if (update === undefined) continue;
      this.#use(fault);
      return update;
    }
    return undefined;
  }

  #use(fault: Fault): void {
    this.#store.commit([{ t: 'fault', fault: { ...fault, times: fault.times - 1 } }]);
  }
}
