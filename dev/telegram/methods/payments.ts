import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Invoice } from '../model.ts';
import { paid, refunded } from '../payments.ts';
import { badRequest } from '../refusal.ts';
import type { Call, Method } from '../telegram.ts';
import { personUser } from '../views.ts';
import { draft, sent } from './sending.ts';
import { writableChatOf } from './target.ts';

const tooOld = 'query is too old and response timeout expired or query ID is invalid';

const prices = z.array(z.looseObject({ label: z.string().min(1), amount: z.coerce.number().int() }));

function readInvoice(call: Call): Invoice {
  const { parameters } = call;
  const title = parameters.required('title');
  const description = parameters.required('description');
  const payload = parameters.required('payload');
  const currency = parameters.required('currency');
  const items = parameters.json('prices', prices, "can't parse prices JSON object") ?? [];
  if (items.length === 0) throw badRequest('there must be at least one price');
  if (title.length > 32) throw badRequest('INVOICE_TITLE_TOO_LONG');
  if (description.length > 255) throw badRequest('INVOICE_DESCRIPTION_TOO_LONG');
  if (Buffer.byteLength(payload) > 128) throw badRequest('INVOICE_PAYLOAD_INVALID');
  if (currency !== 'XTR') throw badRequest('PAYMENT_PROVIDER_INVALID');
  if (parameters.text('provider_token') !== '') throw badRequest('STARS_INVOICE_INVALID');
  const total = items[0]?.amount ?? 0;
  if (items.length !== 1 || total < 1 || total > 100_000) throw badRequest('CURRENCY_TOTAL_AMOUNT_INVALID');
  const photo = parameters.text('photo_url');
  return {
    title,
    description,
    payload,
    currency,
    total_amount: total,
    start_parameter: parameters.text('start_parameter'),
    ...(photo === '' ? {} : { photo_url: photo }),
  };
}

const sendInvoice: Method = (call) => {
  const invoice = readInvoice(call);
  const message = draft(call, writableChatOf(call), { invoice });
  const first = message.reply_markup?.inline_keyboard?.[0]?.[0];
  if (first !== undefined && first['pay'] !== true) throw badRequest('REPLY_MARKUP_BUY_EMPTY');
  const payButton = { inline_keyboard: [[{ text: `Pay ⭐️${invoice.total_amount}`, pay: true }]] };
  return sent(call, { ...message, reply_markup: message.reply_markup ?? payButton });
};

const createInvoiceLink: Method = (call) => {
  const slug = randomBytes(12).toString('base64url');
  call.journal.commit([{ t: 'invoice-link', slug, invoice: readInvoice(call) }]);
  return `https://t.me/$${slug}`;
};

const answerPreCheckoutQuery: Method = (call) => {
  const { parameters, telegram } = call;
  const isOk = parameters.flag('ok');
  const words = isOk ? '' : parameters.required('error_message');
  const checkout = telegram.checkouts.take(parameters.text('pre_checkout_query_id'));
  if (checkout === undefined) throw badRequest(tooOld);
  const done = isOk ? paid(telegram, checkout) : undefined;
  call.journal.commit(done?.records ?? [], { chat: checkout.chat });
  checkout.end(done?.end ?? { kind: 'refused', error_message: words });
  return true;
};

const refundStarPayment: Method = (call) => {
  const { parameters, telegram } = call;
  const user = parameters.integer('user_id', 0);
  if (user === 0) throw badRequest('invalid user_id specified');
  const transaction = telegram.store.transactions.get(parameters.required('telegram_payment_charge_id'));
  if (transaction === undefined || transaction.chat !== user) throw badRequest('CHARGE_NOT_FOUND');
  if (transaction.refund !== undefined) throw badRequest('CHARGE_ALREADY_REFUNDED');
  call.journal.commit(refunded(telegram, transaction, 'bot'), { chat: user });
  return true;
};

/** Oldest first; a refund is a transaction of its own with the id of the payment. */
const getStarTransactions: Method = (call) => {
  const { store } = call.telegram;
  const all = [...store.transactions.values()].flatMap((each) => {
    const chat = store.chats.get(each.chat);
    const user = chat === undefined ? { id: each.chat, is_bot: false, first_name: '' } : personUser(chat);
    const partner = { type: 'user', transaction_type: 'invoice_payment', user, invoice_payload: each.payload };
    const row = { id: each.charge_id, amount: each.amount };
    const income = { ...row, date: each.date, source: partner };
    return each.refund === undefined ? [income] : [income, { ...row, date: each.refund.date, receiver: partner }];
  });
  const offset = call.parameters.integer('offset', 0, 0);
  const limit = call.parameters.integer('limit', 100, 1, 100);
  return { transactions: all.toSorted((a, b) => a.date - b.date).slice(offset, offset + limit) };
};

const answerCallbackQuery: Method = (call) => {
  const { parameters, telegram } = call;
  const text = parameters.text('text');
  if (text.length > 200) throw badRequest('MESSAGE_TOO_LONG');
  const press = telegram.callbacks.take(parameters.text('callback_query_id'));
  if (press === undefined) throw badRequest(tooOld);
  call.journal.commit([], { chat: press.chat, ...(text === '' ? {} : { text }) });
  const url = parameters.text('url');
  press.answer({
    ...(text === '' ? {} : { text, show_alert: parameters.flag('show_alert') }),
    ...(url === '' ? {} : { url }),
  });
  return true;
};

export const payments: Readonly<Record<string, Method>> = {
  sendInvoice,
  createInvoiceLink,
  answerPreCheckoutQuery,
  refundStarPayment,
  getStarTransactions,
  answerCallbackQuery,
};
