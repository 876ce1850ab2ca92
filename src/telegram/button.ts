import { z } from 'zod';
import { LANGUAGES } from '../texts/language.ts';
import { ORDER_COUNTS, type OrderCount } from '../videojob/order-count.ts';
import { ORDER_ID_PATTERN } from '../videojob/order-id.ts';
import { TEMPLATES } from '../videojob/schema.ts';

/**
 * What the buttons of our messages say to us. Draft buttons carry the draft's nonce and never a price; buttons of an order name it,
 * and "again" the price that was printed on it, which PostgreSQL compares with its own.
 */
export type Press =
  | { kind: 'accept' }
  | { kind: 'language'; language: (typeof LANGUAGES)[number] }
  | { kind: 'new' }
  | { kind: 'template'; nonce: string; template: (typeof TEMPLATES)[number] }
  | { kind: 'count'; nonce: string; count: OrderCount }
  | { kind: 'skip' | 'create' | 'discard' | 'check'; nonce: string }
  /** The answer to "delete everything?": the nonce is that question's. */
  | { kind: 'forget' | 'keep'; nonce: string }
  /** `turn` makes a second tap on the same button the same order. */
  | { kind: 'again'; order: string; turn: number; price: number }
  | { kind: 'cancel' | 'show'; order: string }
  | { kind: 'buy'; package: string };

const nonce = z.string().regex(/^[a-z2-7]{16}$/);
const saleId = z.string().regex(/^[a-z0-9-]{1,32}$/);
const order = z.string().regex(ORDER_ID_PATTERN);
const number = z
  .string()
  .regex(/^\d{1,7}$/)
  .transform(Number);
const letters = {
  skip: 'w',
  create: 'c',
  discard: 'd',
  check: 'r',
  cancel: 'x',
  show: 's',
  forget: 'f',
  keep: 'q',
} as const;

const shapes = [
  z.tuple([z.literal('ok')]).transform((): Press => ({ kind: 'accept' })),
  z.tuple([z.literal('n')]).transform((): Press => ({ kind: 'new' })),
  z.tuple([z.literal('lang'), z.enum(LANGUAGES)]).transform(([, language]): Press => ({ kind: 'language', language })),
  z
    .tuple([z.literal('t'), nonce, z.enum(TEMPLATES)])
    .transform(([, draft, template]): Press => ({ kind: 'template', nonce: draft, template })),
  ...ORDER_COUNTS.map((count) =>
    z
      .tuple([z.literal('k'), nonce, z.literal(`${count}`)])
      .transform(([, draft]): Press => ({ kind: 'count', nonce: draft, count })),
  ),
  z
    .tuple([z.literal('g'), order, number, number])
    .transform(([, id, turn, price]): Press => ({ kind: 'again', order: id, turn, price })),
  z.tuple([z.literal('b'), saleId]).transform(([, id]): Press => ({ kind: 'buy', package: id })),
  ...(['skip', 'create', 'discard', 'check', 'forget', 'keep'] as const).map((kind) =>
    z.tuple([z.literal(letters[kind]), nonce]).transform(([, draft]): Press => ({ kind, nonce: draft })),
  ),
  ...(['cancel', 'show'] as const).map((kind) =>
    z.tuple([z.literal(letters[kind]), order]).transform(([, id]): Press => ({ kind, order: id })),
  ),
];

/** The callback data of a button: at most 64 bytes (Bot API). */
export function pressData(press: Press): string {
  switch (press.kind) {
    case 'accept':
      return 'ok';
    case 'new':
      return 'n';
    case 'language':
      return `lang:${press.language}`;
    case 'template':
      return `t:${press.nonce}:${press.template}`;
    case 'count':
      return `k:${press.nonce}:${press.count}`;
    case 'again':
      return `g:${press.order}:${press.turn}:${press.price}`;
    case 'buy':
      return `b:${press.package}`;
    case 'cancel':
    case 'show':
      return `${letters[press.kind]}:${press.order}`;
    default:
      return `${letters[press.kind]}:${press.nonce}`;
  }
}

/** Reads callback data; undefined for anything we never wrote. Whose button it is must be checked by whoever acts on it. */
export function readPress(data: string): Press | undefined {
  const parts = data.split(':');
  for (const shape of shapes) {
    const read = shape.safeParse(parts);
    if (read.success) return read.data;
  }
  return undefined;
}

/** A button under a message. */
export type Button = { text: string; press: Press };
/** Rows of buttons. */
export type Keyboard = Button[][];

/** The keyboard as the Bot API takes it; an empty one removes what was there. */
export function inlineKeyboard(keyboard: Keyboard): { inline_keyboard: { text: string; callback_data: string }[][] } {
  return {
    inline_keyboard: keyboard.map((row) => row.map(({ text, press }) => ({ text, callback_data: pressData(press) }))),
  };
}
