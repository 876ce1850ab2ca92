import { z } from 'zod';
import { buttonsOf, type ChatMessage } from '../../../dev/demo/customer.ts';
import type { Press } from '../../../src/telegram/button.ts';
import { videoJobName } from '../../../src/videojob/names.ts';
import type { Passage } from '../../support/effect-board.ts';
import { variableOf } from '../../support/peer-process.ts';
import type { Confirmation, SystemOrder } from '../../support/system.ts';
import { waitFor } from '../../support/wait.ts';
import type { Lane } from './lane.ts';

const pressed = z.object({ answered: z.boolean(), text: z.string().optional() });
const placed = z.object({ order_id: z.string() });
const screenSeconds = 60;

/** What one tap came to: as many orders as were asked for, all of one person. */
export interface Group {
  readonly nonce: string;
  readonly count: number;
  readonly orders: readonly SystemOrder[];
}

/** What a person was promised: the log of one who stands outside, against which the books are read in the end. */
export interface Acknowledged {
  readonly what: 'tap' | 'cancel' | 'payment';
  /** The nonce of a tap, the order of a cancel, the charge of a payment. */
  readonly key: string;
  readonly text: string;
}

/** When something happened that an order's end follows from, by the clock of this machine. */
export interface Cause {
  readonly what: string;
  readonly at: number;
}

/** One schedule on its way: its people, their orders, and what they were told. */
export class Play {
  readonly lane: Lane;
  readonly orders: SystemOrder[] = [];
  readonly groups: Group[] = [];
  readonly acknowledged: Acknowledged[] = [];
  readonly causes = new Map<string, Cause>();
  /** Nonces of every button that was tapped: each must have come to one group of orders. */
  readonly nonces = new Set<string>();
  /** Of the first person. */
  chat = 0;
  /** Whether clocks of its orders were moved: times in the books then say nothing. */
  isTimeMoved = false;
  /** Whether what strikes may make the bot say something twice. */
  mayRepeatWords = false;
  /** When somebody who was made to sleep woke up last: what waited for them is measured from there. */
  wokeAt = 0;
  /** When a server or the bot was back last, of those that were made to go away: an order that waited for one is measured from there. */
  backAt = 0;
  /** How much longer than usual everything may take, because something is made to sleep. */
  patienceMs = 0;
  /** The message of each order that its button was on. */
  readonly screens = new Map<string, number>();
  readonly #keys = new Set<string>();

  constructor(lane: Lane) {
    this.lane = lane;
  }

  /** A new person up to the confirmation. */
  async confirmation(...tags: readonly string[]): Promise<Confirmation> {
    const confirmation = await this.lane.system.confirmation(...tags);
    if (this.chat === 0) this.chat = confirmation.customer.chat;
    this.#keys.add(String(confirmation.customer.chat));
    this.#keys.add(confirmation.mark);
    return confirmation;
  }

  /** Asks for so many videos instead of one; answers the confirmation that then stands in the chat. */
  async choose(confirmation: Confirmation, count: number): Promise<Confirmation> {
    const { customer, screen } = confirmation;
    await customer.press(screen, (press) => press.kind === 'count' && press.count === count);
    const changed = await customer.see(
      `the confirmation of ${count} videos`,
      screenSeconds,
      (one) => one.message_id === screen.message_id && one.text?.includes(`How many: ${count} videos`) === true,
    );
    return { ...confirmation, screen: changed };
  }

  /** Taps the button so often at the same time, and answers the orders that come of it, in their order. */
  async tap({ customer, mark, screen }: Confirmation, times = 1, count = 1): Promise<readonly SystemOrder[]> {
    const found = createButton(screen);
    if (found === undefined) throw new Error('the confirmation has no button to create');
    const { nonce, data } = found;
    this.nonces.add(nonce);
    for (let n = 0; n < times; n += 1) void this.#press(customer.chat, screen, data, 'tap', nonce);
    const ids = await waitFor(() => this.#ordersOf(nonce), {
      what: `the orders of ${nonce}`,
      within: 90_000 + this.patienceMs,
      every: 25,
    });
    const orders = ids.map((id) => ({ id, name: videoJobName(id), customer, mark }));
    for (const { id } of orders) {
      this.#keys.add(id);
      this.screens.set(id, screen.message_id);
    }
    this.orders.push(...orders);
    this.groups.push({ nonce, count, orders });
    return orders;
  }

  async #ordersOf(nonce: string): Promise<string[] | undefined> {
    const sql =
      'select order_id from ledger.orders join ledger.order_groups using (group_id) where nonce = $1 order by position';
    const found = await this.lane.rows(sql, [nonce], placed);
    return found.length === 0 ? undefined : found.map((one) => one.order_id);
  }

  /** The other orders of the same tap, and itself. */
  groupOf({ id }: Pick<SystemOrder, 'id'>): Group {
    const found = this.groups.find(({ orders }) => orders.some((one) => one.id === id));
    if (found === undefined) throw new Error(`order ${id} is of no tap of this play`);
    return found;
  }

  /** Presses a button of the newest message that has it, as a person does who does not know what happens behind. */
  async press(order: SystemOrder, kind: Press['kind'], what: Acknowledged['what']): Promise<string | undefined> {
    const messages = await order.customer.messages();
    for (const message of messages.toReversed()) {
      const found = buttonsOf(message).find(({ press }) => press.kind === kind);
      if (found !== undefined) return this.#press(order.customer.chat, message, found.data, what, order.id);
    }
    return undefined;
  }

  async #press(
    chat: number,
    { message_id }: ChatMessage,
    data: string,
    what: Acknowledged['what'],
    key: string,
  ): Promise<string | undefined> {
    try {
      const response = await fetch(`${this.lane.system.stack.endpoints().telegram}/dev/chats/${chat}/callbacks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message_id, data, wait: 10 }),
        signal: AbortSignal.timeout(30_000),
      });
      const { answered, text = '' } = pressed.parse(await response.json());
      if (!answered) return undefined;
      this.acknowledged.push({ what, key, text });
      return text;
    } catch {
      // Whoever presses while the stand-in is away hears nothing: that is no acknowledgement.
      return undefined;
    }
  }

  /** Something else by which effects of this play are known. */
  names(key: string): void {
    this.#keys.add(key);
  }

  caused(order: SystemOrder, what: string): void {
    // A clock ends what nothing else has ended; of everything else the first time counts.
    if (what === 'clock' || !this.causes.has(order.id)) this.causes.set(order.id, { what, at: Date.now() });
  }

  /** Whether an effect belongs to this play, by the names in it or by whose runner made it. */
  owns({ effect, moment, reply, maker }: Passage): boolean {
    if (this.#mentions(effect.request)) {
      this.#learn(effect);
      return true;
    }
    if (moment === 'after' && this.#mentions(reply)) return true;
    if (effect.maker !== 'generate' && effect.maker !== 'deliver') return false;
    const pid = maker();
    const order = pid === undefined ? undefined : variableOf(pid, 'NEUROCARDS_ORDER');
    return order !== undefined && this.#keys.has(order);
  }

  /** The names of orders, from the very call that places them: what comes of it may be faster than a look at the books. */
  #learn({ operation, request }: Passage['effect']): void {
    if (!operation.includes('place_orders')) return;
    for (const [, id] of request.matchAll(/"orderId":"([a-z2-7]{12})"/g)) if (id !== undefined) this.#keys.add(id);
  }

  #mentions(text: string): boolean {
    for (const key of this.#keys) if (text.includes(key)) return true;
    return false;
  }
}

/** The button that places the orders of a confirmation. */
function createButton(screen: ChatMessage): { nonce: string; data: string } | undefined {
  const found = buttonsOf(screen).find(({ press }) => press.kind === 'create');
  return found === undefined || !('nonce' in found.press) ? undefined : { nonce: found.press.nonce, data: found.data };
}
