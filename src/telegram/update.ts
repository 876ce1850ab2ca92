import { z } from 'zod';

/** The part of an Update that we read. Everything else is dropped before it is stored. */

const user = z.object({ id: z.int(), is_bot: z.boolean().optional(), language_code: z.string().optional() });
const chat = z.object({ id: z.int(), type: z.string() });

const photoSize = z.object({
  file_id: z.string(),
  width: z.int(),
  height: z.int(),
  file_size: z.int().optional(),
});

/** A payment for an invoice of ours, or its return. `invoice_payload` is what we wrote into the invoice. */
const payment = z.object({
  currency: z.string(),
  total_amount: z.int(),
  invoice_payload: z.string(),
  telegram_payment_charge_id: z.string(),
});

const message = z.object({
  message_id: z.int(),
  /** Unix seconds. */
  date: z.int(),
  chat,
  from: user.optional(),
  text: z.string().optional(),
  caption: z.string().optional(),
  media_group_id: z.string().optional(),
  photo: z.array(photoSize).optional(),
  document: z
    .object({ file_id: z.string(), mime_type: z.string().optional(), file_size: z.int().optional() })
    .optional(),
  successful_payment: payment.optional(),
  refunded_payment: payment.optional(),
});

const checkout = z.object({
  id: z.string(),
  from: user,
  currency: z.string(),
  total_amount: z.int(),
  invoice_payload: z.string(),
});

export const updateSchema = z.object({
  update_id: z.int(),
  message: message.optional(),
  callback_query: z
    .object({
      id: z.string(),
      from: user,
      /** Absent or without most fields when the message is too old. */
      message: z.object({ message_id: z.int(), chat }).optional(),
      data: z.string().optional(),
    })
    .optional(),
  pre_checkout_query: checkout.optional(),
  my_chat_member: z.object({ chat, from: user, new_chat_member: z.object({ status: z.string() }) }).optional(),
});
export type Update = z.infer<typeof updateSchema>;
export type Message = z.infer<typeof message>;
/** Telegram asks whether a payment may be made. */
export type Checkout = z.infer<typeof checkout>;
export type Payment = z.infer<typeof payment>;

/** The kinds of updates we ask for, always by name: an omitted list keeps whatever was set before. */
export const allowedUpdates = ['message', 'callback_query', 'pre_checkout_query', 'my_chat_member'] as const;

/** The most that one getUpdates brings (Bot API). */
export const updatesAtOnce = 100;

/** The chat an update belongs to: its order among other updates is kept within it. 0 for an update of no chat. */
export function chatOf(update: Update): number {
  return (
    update.message?.chat.id ??
    update.callback_query?.message?.chat.id ??
    update.callback_query?.from.id ??
    update.my_chat_member?.chat.id ??
    update.pre_checkout_query?.from.id ??
    0
  );
}
