import { randomBytes } from 'node:crypto';
import type { Checkout, CheckoutEnd } from './checkouts.ts';
import type { Chat, Invoice, StateRecord, StoredMessage, Transaction } from './model.ts';
import { ControlError } from './refusal.ts';
import type { Telegram } from './telegram.ts';
import { unixNow } from './telegram.ts';
import { apiMessage, personUser } from './views.ts';

/** Stars: what a person pays for an invoice, and how it goes back. */

export type InvoicePlace = { readonly message_id: number } | { readonly slug: string };

/** The invoice in a message or behind a link. */
export function invoiceAt(telegram: Telegram, chat: Chat, place: InvoicePlace): Invoice {
  const found =
    'slug' in place
      ? telegram.store.invoiceLinks.get(place.slug)
      : telegram.store.message(chat.id, place.message_id)?.invoice;
  if (found === undefined) throw new ControlError(404, 'There is no invoice in that message or behind that link.');
  return found;
}

/** The person confirms the payment; the bot is asked by a pre_checkout_query and has 10 seconds. */
export async function startPayment(
  telegram: Telegram,
  chat: Chat,
  place: InvoicePlace,
  lose: boolean,
): Promise<CheckoutEnd> {
  const invoice = invoiceAt(telegram, chat, place);
  if (invoice.paid !== undefined) throw new ControlError(409, 'This invoice is paid already.');
  const { id, ended } = telegram.checkouts.open({ chat: chat.id, ...place, lose });
  const query = {
    id,
    from: personUser(chat),
    currency: invoice.currency,
    total_amount: invoice.total_amount,
    invoice_payload: invoice.payload,
  };
  telegram.store.commit(telegram.updates.record('pre_checkout_query', chat.id, query));
  return ended;
}

/** Everything that becomes true in the moment the bot says ok: paid invoice, transaction, receipt, update. */
export function paid(
  telegram: Telegram,
  checkout: Checkout,
): { readonly records: StateRecord[]; readonly end: CheckoutEnd } | undefined {
  const chat = telegram.store.chats.get(checkout.chat);
  if (chat === undefined) return undefined;
  const place = checkout.slug === undefined ? { message_id: checkout.message_id ?? 0 } : { slug: checkout.slug };
  const invoice = invoiceAt(telegram, chat, place);
  // Two payments of one message may have been confirmed side by side: the second one fails, as at Telegram.
  if (invoice.paid !== undefined) return undefined;
  const charge = `stx${randomBytes(30).toString('base64url')}`;
  const paidInvoice = { ...invoice, paid: charge };
  const receipt: StoredMessage = {
    message_id: telegram.store.nextMessageId(),
    chat: chat.id,
    from: 'user',
    date: unixNow(),
    successful_payment: {
      currency: invoice.currency,
      total_amount: invoice.total_amount,
      invoice_payload: invoice.payload,
      telegram_payment_charge_id: charge,
    },
  };
  const transaction: Transaction = {
    charge_id: charge,
    chat: chat.id,
    amount: invoice.total_amount,
    currency: invoice.currency,
    payload: invoice.payload,
    date: unixNow(),
    message_id: receipt.message_id,
    lost: checkout.lose,
  };
  const bill = telegram.store.message(chat.id, checkout.message_id ?? 0);
  const billRecord: StateRecord[] =
    checkout.slug === undefined
      ? bill === undefined
        ? []
        : [{ t: 'message', message: { ...bill, invoice: paidInvoice } }]
      : // A link can be paid by many people, each time anew.
        [];
  const update = checkout.lose ? [] : telegram.updates.record('message', chat.id, apiMessage(telegram, receipt));
  return {
    records: [...billRecord, { t: 'transaction', transaction }, { t: 'message', message: receipt }, ...update],
    end: { kind: 'paid', charge_id: charge, message_id: receipt.message_id },
  };
}

/**
 * The records of a refund. `bot`: the bot's own doing, told by a refunded_payment message. `store`: the person got the
 * money back from the shop that sold the Stars; the bot is not told, it only sees the transaction.
 */
export function refunded(telegram: Telegram, transaction: Transaction, by: 'bot' | 'store'): StateRecord[] {
  const gone: StateRecord = { t: 'transaction', transaction: { ...transaction, refund: { date: unixNow(), by } } };
  const chat = telegram.store.chats.get(transaction.chat);
  if (by === 'store' || chat === undefined) return [gone];
  const note: StoredMessage = {
    message_id: telegram.store.nextMessageId(),
    chat: chat.id,
    from: 'bot',
    date: unixNow(),
    refunded_payment: {
      currency: transaction.currency,
      total_amount: transaction.amount,
      invoice_payload: transaction.payload,
      telegram_payment_charge_id: transaction.charge_id,
    },
  };
  return [
    gone,
    { t: 'message', message: note },
    ...telegram.updates.record('message', chat.id, apiMessage(telegram, note)),
  ];
}
