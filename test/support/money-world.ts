import { randomUUID } from 'node:crypto';
import { grantByAdmin, redeemPromo, setPromo, writeOffByAdmin } from '../../src/ledger/grants.ts';
import { bookPayment, bookRefundedPayment, type SaidPayment } from '../../src/ledger/payments.ts';
import { forgetPerson, readBalance, recordConsent, registerPerson } from '../../src/ledger/people.ts';
import { answerPaymentRefund, beginPaymentRefund } from '../../src/ledger/refunds.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { byHand, type TestLedger, type TestOrder, type TestPerson } from './ledger.ts';
import { identityOf } from './money-scene.ts';

export const moneyHappenings = [
  'pay',
  'pay again',
  'order',
  'order',
  'release',
  'show',
  'grant',
  'write off',
  'redeem',
  'begin refund',
  'answer refund',
  'store refunds',
  'forget',
] as const;
export type MoneyHappening = { readonly what: (typeof moneyHappenings)[number]; readonly pick: number };

type Payment = { readonly said: SaidPayment; state: 'booked' | 'refunding' | 'given back'; refundId: number };
type Held = { readonly order: TestOrder; readonly free: number };

/** Credits of the package that is bought here. */
const PACKAGE = 4;

/** A person's money, and beside it the same money by plain arithmetic: what the books have to come to. */
export class MoneyWorld {
  readonly #ledger: TestLedger;
  readonly #person: TestPerson;
  readonly #payments: Payment[] = [];
  readonly #held: Held[] = [];
  #free: number;
  #bought = 0;
  #debt = 0;
  /** How often the rare things came about. */
  readonly seen = { debt: 0, refused: 0, forgotten: 0 };

  private constructor(ledger: TestLedger, person: TestPerson, free: number) {
    this.#ledger = ledger;
    this.#person = person;
    this.#free = free;
  }

  static async begin(ledger: TestLedger): Promise<MoneyWorld> {
    return new MoneyWorld(ledger, await ledger.person(3), 3);
  }

  /** @throws when the books differ from the arithmetic */
  async check(): Promise<void> {
    const books = await readBalance(this.#ledger.bot, this.#person.userId);
    const sums = {
      available: this.#free + this.#bought,
      held: this.#held.length,
      debt: this.#debt,
      free: this.#free,
    };
    if (JSON.stringify(books) !== JSON.stringify(sums)) {
      throw new Error(`the books say ${JSON.stringify(books)}, and it comes to ${JSON.stringify(sums)}`);
    }
  }

  async happen({ what, pick }: MoneyHappening): Promise<void> {
    const { bot, admin, controller } = this.#ledger;
    const { userId } = this.#person;
    switch (what) {
      case 'pay': {
        const said = await this.#ledger.paid(this.#person, 'four');
        this.#payments.push({ said, state: 'booked', refundId: 0 });
        return this.#bring(0, PACKAGE);
      }
      case 'pay again':
        return this.#one(pick, this.#payments, ({ said }) => bookPayment(bot, said));
      case 'order':
        return this.#order(pick % 2 === 0 ? 3 : 1);
      case 'release':
        return this.#one(pick, this.#held, async (held) => {
          this.#forgetHold(held);
          await closeOrder(controller, held.order.orderId, held.order.uid, 'Deleted');
          this.#bring(held.free, 1 - held.free);
        });
      case 'show':
        return this.#one(pick, this.#held, async (held) => {
          this.#forgetHold(held);
          await this.#ledger.shown(held.order);
        });
      case 'grant':
        await grantByAdmin(admin, userId, 1 + (pick % 3), byHand());
        return this.#bring(1 + (pick % 3), 0);
      case 'write off':
        await writeOffByAdmin(admin, userId, 1, byHand());
        return this.#bring(1, 0);
      case 'redeem': {
        const code = `walk-${randomUUID().slice(0, 8)}`;
        const { actor, reason } = byHand();
        await setPromo(admin, { code, credits: 2, usesLimit: 1, until: null }, { actor, reason });
        const { outcome } = await redeemPromo(bot, userId, code);
        return outcome === 'granted' ? this.#bring(2, 0) : undefined;
      }
      case 'begin refund':
        return this.#one(pick, this.#payments, (payment) => this.#beginRefund(payment));
      case 'answer refund':
        return this.#one(pick, this.#payments, (payment) => this.#answerRefund(payment, pick % 2 === 0));
      case 'store refunds':
        return this.#one(pick, this.#payments, async (payment) => {
          const { outcome } = await bookRefundedPayment(bot, payment.said);
          if (outcome === 'charged-back') this.#chargeBack();
          payment.state = 'given back';
        });
      case 'forget':
        return this.#forget();
    }
  }

  /** Credits come: what is owed goes first, out of the free part first. */
  #bring(free: number, bought: number): void {
    const repaidFree = Math.min(this.#debt, free);
    const repaidBought = Math.min(this.#debt - repaidFree, bought);
    this.#debt -= repaidFree + repaidBought;
    this.#free += free - repaidFree;
    this.#bought += bought - repaidBought;
  }

  async #order(count: number): Promise<void> {
    const placement = this.#ledger.placement(this.#person, count);
    const placed = await this.#ledger.place(placement);
    if (placed.outcome !== 'placed') {
      this.seen.refused += 1;
      return;
    }
    for (const { orderId } of placement.orders) {
      const free = Math.min(1, this.#free);
      this.#free -= free;
      this.#bought -= 1 - free;
      this.#held.push({ order: await this.#ledger.adopted(orderId), free });
    }
  }

  async #beginRefund(payment: Payment): Promise<void> {
    const begun = await beginPaymentRefund(this.#ledger.admin, payment.said.chargeId, byHand());
    if (begun.outcome === 'refused') this.seen.refused += 1;
    if (begun.outcome !== 'intent') return;
    this.#bought -= PACKAGE;
    payment.state = 'refunding';
    payment.refundId = begun.refundId ?? 0;
  }

  async #answerRefund(payment: Payment, done: boolean): Promise<void> {
    if (payment.state !== 'refunding') return;
    payment.state = done ? 'given back' : 'booked';
    const answer = done ? ({ kind: 'done' } as const) : ({ kind: 'refused', words: 'no' } as const);
    await answerPaymentRefund(this.#ledger.bot, payment.refundId, answer);
    if (!done) this.#bring(0, PACKAGE);
  }

  #chargeBack(): void {
    const bought = Math.min(PACKAGE, this.#bought);
    const free = Math.min(PACKAGE - bought, this.#free);
    this.#bought -= bought;
    this.#free -= free;
    this.#debt += PACKAGE - bought - free;
    if (bought + free < PACKAGE) this.seen.debt += 1;
  }

  /** Forgotten and back again: with nothing but their debt. */
  async #forget(): Promise<void> {
    const { bot } = this.#ledger;
    const { userId, chatId } = this.#person;
    const identity = identityOf(chatId);
    const { outcome } = await forgetPerson(bot, userId, identity, this.#free + this.#bought);
    if (outcome === 'forgotten') {
      this.#free = 0;
      this.#bought = 0;
      this.seen.forgotten += 1;
      const back = await registerPerson(bot, chatId, 'en', identity);
      if (back.userId !== userId) throw new Error(`came back as ${back.userId}`);
      await recordConsent(bot, userId, '1');
    }
  }

  #forgetHold(held: Held): void {
    this.#held.splice(this.#held.indexOf(held), 1);
  }

  async #one<T>(pick: number, all: readonly T[], act: (one: T) => Promise<unknown>): Promise<void> {
    const one = all[pick % Math.max(1, all.length)];
    if (one !== undefined) await act(one);
  }
}
