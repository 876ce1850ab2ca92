import { z } from 'zod';
import { admitWaiting, claim } from './admission.ts';
import * as attempts from './attempts.ts';
import * as deliveries from './deliveries.ts';
import { endNotice, postponeNotice, takeNotices } from './notices.ts';
import * as orders from './orders.ts';
import {
  availableCredits,
  cancelClaimedOrder,
  cancelOrder,
  closeOrder,
  closeOverdueHolds,
  owedCredits,
} from './settlement.ts';
import * as submits from './submits.ts';
import { dueOrders, observe, openOrders } from './sweeps.ts';
import type { Tables } from './tables.ts';

/** The values of one call, as the driver would send them. */
class Values {
  readonly #values: readonly unknown[];

  constructor(values: readonly unknown[]) {
    this.#values = values;
  }

  text(index: number): string {
    const value = this.#values[index];
    if (typeof value !== 'string') throw new TypeError(`value ${index + 1} is no text`);
    return value;
  }

  textOrNull(index: number): string | null {
    return this.#values[index] === null ? null : this.text(index);
  }

  number(index: number): number {
    const value = this.#values[index];
    if (typeof value !== 'number') throw new TypeError(`value ${index + 1} is no number`);
    return value;
  }

  numberOrNull(index: number): number | null {
    return this.#values[index] === null ? null : this.number(index);
  }

  boolean(index: number): boolean {
    return this.#values[index] === true;
  }

  instant(index: number): number {
    const value = this.#values[index];
    if (value instanceof Date) return value.getTime();
    return Date.parse(this.text(index));
  }

  stage(index: number): 'generation' | 'delivery' {
    return this.text(index) === 'generation' ? 'generation' : 'delivery';
  }

  json<T>(index: number, schema: z.ZodType<T>): T {
    return schema.parse(JSON.parse(this.text(index)));
  }
}

const placement: z.ZodType<orders.Placement> = z.object({
  userId: z.number(),
  nonce: z.string(),
  unitPrice: z.number(),
  requestHash: z.string(),
  chatId: z.number(),
  messageId: z.number(),
  language: z.string(),
  template: z.string(),
  productText: z.string(),
  wishes: z.string().nullable(),
  photoKey: z.string(),
  repeats: z.string().nullable(),
  orders: z.array(z.object({ orderId: z.string(), videoJob: z.string(), specHash: z.string() })),
});
const video: z.ZodType<attempts.Video> = z.object({
  key: z.string(),
  sha256: z.string(),
  bytes: z.number(),
  seconds: z.number(),
  width: z.number(),
  height: z.number(),
});
const submitAnswer = z.object({
  kind: z.enum(['accepted', 'refused', 'unknown']),
  taskId: z.string().exactOptional(),
  resubmit: z.boolean().exactOptional(),
  failureClass: z.string().exactOptional(),
  message: z.string().exactOptional(),
  retryAfterSeconds: z.number().exactOptional(),
});
const editAnswer = z.object({
  kind: z.enum(['refused', 'unknown']),
  meaning: z.string().exactOptional(),
  failureClass: z.string().exactOptional(),
  retryAfterSeconds: z.number().exactOptional(),
});
const abandonedEnd = z.object({
  kind: z.string(),
  failureClass: z.string().exactOptional(),
  video: video.exactOptional(),
});

type ModelledFunction = (db: Tables, v: Values) => unknown;

/** Every function of the schema that the model knows, by its name. */
export const FUNCTIONS: Readonly<Record<string, ModelledFunction>> = {
  register_person: (db, v) => orders.registerPerson(db, v.number(0), v.text(1)),
  record_consent: (db, v) => orders.recordConsent(db, v.number(0), v.text(1)),
  balance: (db, v) => ({
    ...{ available: availableCredits(db, v.number(0)), debt: owedCredits(db, v.number(0)) },
    held: db.accounts.get(`user/${v.number(0)}/held`)?.balance ?? 0,
    free: db.accounts.get(`user/${v.number(0)}/available`)?.freeBalance ?? 0,
  }),
  open_orders: (db, v) => openOrders(db, v.number(0)),
  own_order: (db, v) => orders.ownOrder(db, v.text(0), v.number(1)),
  place_orders: (db, v) => orders.placeOrders(db, v.json(0, placement)),
  take_orders_to_relay: (db, v) => orders.takeOrdersToRelay(db, v.number(0)),
  claim: (db, v) => claim(db, v.text(0), v.text(1), v.text(2)),
  admit_waiting: (db) => admitWaiting(db),
  observe: (db, v) => observe(db, v.text(0)),
  set_suspended: (db, v) => orders.setSuspended(db, v.text(0), v.text(1), v.boolean(2)),
  close_order: (db, v) => closeOrder(db, v.text(0), v.textOrNull(1), v.text(2)),
  cancel_order: (db, v) => cancelOrder(db, v.text(0), v.number(1)),
  cancel_claimed_order: (db, v) => cancelClaimedOrder(db, v.text(0), v.text(1)),
  close_overdue_holds: (db) => closeOverdueHolds(db),
  due_orders: (db, v) => dueOrders(db, v.instant(0)),
  open_execution: (db, v) => attempts.openExecution(db, v.text(0), v.text(1), v.stage(2), v.number(3), v.text(4)),
  end_execution: (db, v) => attempts.endExecution(db, v.text(0), v.text(1), v.stage(2), v.number(3), v.text(4)),
  record_requests: () => null,
  lease_attempt: (db, v) => attempts.leaseAttempt(db, v.text(0), v.text(1), v.number(2), v.text(3)),
  renew_attempt: (db, v) => attempts.renewAttempt(db, v.number(0), v.number(1)),
  record_prompt: (db, v) => attempts.recordPrompt(db, v.number(0), v.number(1), v.text(2), v.text(3)),
  record_photo_url: (db, v) => attempts.recordPhotoUrl(db, v.number(0), v.number(1), v.text(2), v.instant(3)),
  record_provider_state: (db, v) => attempts.recordProviderState(db, v.number(0), v.number(1), v.text(2)),
  postpone_attempt: (db, v) => attempts.postponeAttempt(db, v.number(0), v.number(1), v.text(2), v.number(3)),
  reject_attempt: (db, v) => attempts.endAttempt(db, v.number(0), v.number(1), 'ready', v.text(2), v.text(3)),
  fail_attempt: (db, v) => attempts.endAttempt(db, v.number(0), v.number(1), 'accepted', v.text(2), v.text(3)),
  succeed_attempt: (db, v) => attempts.succeedAttempt(db, v.number(0), v.number(1), v.json(2, video)),
  open_attempt: (db, v) => attempts.openAttempt(db, v.text(0), v.text(1), v.number(2)),
  take_submit_token: (db, v) => submits.takeSubmitToken(db, v.text(0)),
  begin_submit: (db, v) => submits.beginSubmit(db, v.number(0), v.number(1), v.text(2)),
  answer_submit: (db, v) => submits.answerSubmit(db, v.text(0), v.json(1, submitAnswer)),
  adopt_callback: (db, v) => submits.adoptCallback(db, v.text(0), v.text(1)),
  note_callback: (db, v) => submits.noteCallback(db, v.text(0), v.text(1)),
  take_hints: (db, v) => submits.takeHints(db, v.number(0)),
  refuse_hint: (db, v) => submits.refuseHint(db, v.text(0), v.text(1)),
  take_abandoned: (db, v) => submits.takeAbandoned(db, v.text(0), v.number(1)),
  record_abandoned: (db, v) => submits.recordAbandoned(db, v.number(0), v.number(1), v.json(2, abandonedEnd)),
  lease_delivery: (db, v) => deliveries.leaseDelivery(db, v.text(0), v.text(1), v.number(2), v.text(3)),
  renew_delivery: (db, v) => deliveries.renewDelivery(db, v.text(0), v.number(1)),
  adopt_message: (db, v) =>
    deliveries.adoptMessage(db, v.text(0), v.numberOrNull(1), v.numberOrNull(2), v.numberOrNull(3)),
  begin_edit: (db, v) => deliveries.beginEdit(db, v.text(0), v.number(1), v.text(2)),
  begin_showing: (db, v) => deliveries.beginShowing(db, v.text(0), v.number(1), v.text(2)),
  answer_edit: (db, v) => deliveries.answerEdit(db, v.text(0), v.json(1, editAnswer)),
  shown: (db, v) => deliveries.shown(db, v.text(0), v.text(1), v.number(2), v.textOrNull(3)),
  take_showings: (db, v) => deliveries.takeShowings(db, v.text(0), v.number(1)),
  ask_showing: (db, v) => deliveries.askShowing(db, v.text(0), v.number(1)),
  take_notices: (db, v) => takeNotices(db, v.text(0), v.number(1)),
  end_notice: (db, v) => endNotice(db, v.number(0), v.text(1)),
  postpone_notice: (db, v) => postponeNotice(db, v.number(0), v.number(1)),
};

/**
 * Runs one function as one statement: it has all of its effects, or throws and has none. Answers what its one column would be.
 * @throws RuleError where a rule of the schema refuses it.
 */
export function callModel(db: Tables, name: string, values: readonly unknown[]): unknown {
  const modelled = FUNCTIONS[name];
  if (modelled === undefined) throw new Error(`the model of PostgreSQL has no function ledger.${name}: add it`);
  const mark = db.mark();
  try {
    const answer = modelled(db, new Values(values));
    deliveries.checkDeliveriesSettled(db);
    return answer;
  } catch (error) {
    db.rollback(mark);
    throw error;
  }
}
