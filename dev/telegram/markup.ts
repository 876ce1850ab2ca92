import { z } from 'zod';
import type { Keyboard } from './model.ts';
import { button, keyboard } from './model.ts';
import type { Parameters } from './parameters.ts';
import { badRequest } from './refusal.ts';

const rows = z.array(z.array(z.unknown()));

const given = z.looseObject({
  inline_keyboard: z.unknown().optional(),
  keyboard: z.unknown().optional(),
});

/** The `reply_markup` of a call, checked as the real server checks it; undefined when there is none. */
export function readMarkup(parameters: Parameters): Keyboard | undefined {
  const text = parameters.text('reply_markup');
  if (text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest("can't parse reply keyboard markup JSON object");
  }
  const object = given.safeParse(value);
  if (!object.success) throw badRequest('object expected as reply markup');
  if (object.data.inline_keyboard !== undefined) return inlineKeyboard(object.data.inline_keyboard);
  if (object.data.keyboard !== undefined && !rows.safeParse(object.data.keyboard).success) {
    throw badRequest('field "keyboard" must be an Array of Arrays');
  }
  const withButtons = {
    ...object.data,
    ...(object.data.keyboard === undefined ? {} : { keyboard: replyRows(rows.parse(object.data.keyboard)) }),
  };
  const parsed = keyboard.safeParse(withButtons);
  if (!parsed.success) throw badRequest("can't parse reply keyboard markup JSON object");
  const isEmpty = Object.keys(parsed.data).length === 0 || (parsed.data.keyboard?.flat().length ?? 1) === 0;
  return isEmpty ? undefined : parsed.data;
}

function replyRows(given: readonly (readonly unknown[])[]): z.infer<typeof button>[][] {
  return given.map((row) =>
    row.map((each) => {
      if (typeof each === 'string') return { text: each };
      const parsed = button.safeParse(each);
      if (!parsed.success)
        throw badRequest("can't parse keyboard button: KeyboardButton must be a String or an Object");
      return parsed.data;
    }),
  );
}

function inlineKeyboard(value: unknown): Keyboard | undefined {
  const given = rows.safeParse(value);
  if (!given.success) {
    throw badRequest('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays');
  }
  const checked = given.data.map((row) => row.map(inlineButton)).filter((row) => row.length > 0);
  if (checked.flat().length > 100) throw badRequest('reply markup is too long');
  return checked.length === 0 ? undefined : { inline_keyboard: checked };
}

const actions = [
  'url',
  'callback_data',
  'callback_game',
  'pay',
  'switch_inline_query',
  'switch_inline_query_current_chat',
  'switch_inline_query_chosen_chat',
  'login_url',
  'web_app',
  'copy_text',
];

function inlineButton(value: unknown): z.infer<typeof button> {
  const parsed = button.safeParse(value);
  const cannot = "can't parse inline keyboard button: ";
  if (!parsed.success) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    throw badRequest(cannot + (isObject ? `Can't find field "text"` : 'InlineKeyboardButton must be an Object'));
  }
  const found = parsed.data;
  if (found.text.trim() === '') throw badRequest(`${cannot}Text buttons must be non-empty`);
  // An empty callback_data is as good as none for the real parser.
  if (!actions.some((name) => found[name] !== undefined && found[name] !== '')) {
    throw badRequest(`${cannot}Text buttons are unallowed in the inline keyboard`);
  }
  const data = found['callback_data'];
  if (data !== undefined && (typeof data !== 'string' || Buffer.byteLength(data) > 64)) {
    throw badRequest('BUTTON_DATA_INVALID');
  }
  const url = found['url'];
  if (url !== undefined && (typeof url !== 'string' || !/^(https?:\/\/|tg:\/\/|ton:\/\/|[\w-]+\.[\w.-]+)/i.test(url))) {
    throw badRequest(`inline keyboard button URL '${typeof url === 'string' ? url : ''}' is invalid: Wrong HTTP URL`);
  }
  return found;
}

/** Whether a keyboard belongs to the message itself; only such messages can be edited later. */
export function isInline(markup: Keyboard | undefined): boolean {
  return markup?.inline_keyboard !== undefined;
}
