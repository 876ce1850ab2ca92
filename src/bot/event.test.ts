import { expect, test } from 'vitest';
import { updateSchema } from '../telegram/update.ts';
import { hear } from './event.ts';

const from = { id: 7, is_bot: false, first_name: 'Anna', language_code: 'ru-RU' };
const chat = { id: 7, type: 'private', first_name: 'Anna' };
const hearMessage = (fields: object) =>
  hear(updateSchema.parse({ update_id: 1, message: { message_id: 3, date: 50, chat, from, ...fields } }));

test('of a photo the largest size is taken, with its caption and album', () => {
  const sizes = [90, 320, 1280].map((width) => ({
    file_id: `f${width}`,
    file_unique_id: 'u',
    width,
    height: width,
    file_size: width * 10,
  }));
  expect(hearMessage({ photo: sizes, caption: '  a cup ', media_group_id: 'g' })).toEqual({
    telegramId: 7,
    language: 'ru',
    event: { kind: 'photo', file: { id: 'f1280', bytes: 12_800 }, caption: 'a cup', album: 'g' },
  });
});

test('a picture sent as a file is a photo; a file of another kind is not; one of no kind is looked at', () => {
  const kind = (mime_type?: string) => {
    const heard = hearMessage({ document: { file_id: 'f', mime_type, file_size: 5 } });
    return heard !== undefined && 'event' in heard ? heard.event.kind : undefined;
  };
  expect(
    ['image/png', 'image/heic', 'application/pdf', 'video/mp4', undefined, 'application/octet-stream'].map(kind),
  ).toEqual(['photo', 'photo', 'file', 'file', 'photo', 'photo']);
});

test('commands are read with a bot name and arguments, and are not texts', () => {
  expect(hearMessage({ text: '/Start@some_bot  r_abc ' })).toMatchObject({
    event: { kind: 'command', name: 'start', argument: 'r_abc' },
  });
  expect(hearMessage({ text: '/promo two\nwords' })).toMatchObject({
    event: { name: 'promo', argument: 'two\nwords' },
  });
  expect(hearMessage({ text: '/help ' })).toMatchObject({ event: { kind: 'command', name: 'help', argument: null } });
  expect(hearMessage({ text: '/ not a command' })).toMatchObject({ event: { kind: 'text' } });
  expect(hearMessage({ text: 'words' })).toMatchObject({ event: { kind: 'text', text: 'words', sentAt: 50 } });
  expect(hearMessage({ sticker: { file_id: 's' } })).toMatchObject({ event: { kind: 'other' } });
});

test('groups are told once that we work in private, other bots and channels are not answered', () => {
  const group = { id: -5, type: 'supergroup' };
  expect(hearMessage({ chat: group, text: '/start' })).toEqual({ group: 'ru' });
  expect(hearMessage({ chat: group, text: 'hello' })).toBeUndefined();
  expect(hearMessage({ from: { ...from, is_bot: true }, text: 'hello' })).toBeUndefined();
  expect(hear(updateSchema.parse({ update_id: 1, poll: {} }))).toBeUndefined();
});

test('a tap is heard with its data, or as one that we never wrote', () => {
  const tap = (data: string) =>
    hear(
      updateSchema.parse({
        update_id: 1,
        callback_query: { id: 'q', from, data, chat_instance: 'c', message: { message_id: 9, chat, date: 0 } },
      }),
    );
  expect(tap('ok')).toMatchObject({ event: { press: { kind: 'accept' }, callbackId: 'q', messageId: 9 } });
  expect(tap('garbage')).toMatchObject({ event: { kind: 'press', press: undefined } });
});

test('who unblocks us is back, who blocks us is not heard', () => {
  const change = (status: string) =>
    hear(
      updateSchema.parse({
        update_id: 1,
        my_chat_member: { chat, from, date: 1, old_chat_member: {}, new_chat_member: { status, user: from } },
      }),
    );
  expect(change('member')).toMatchObject({ event: { kind: 'returned' } });
  expect(change('kicked')).toBeUndefined();
});

test('Stars that came or went back were booked when they were stored, and are nothing to answer', () => {
  const payment = { currency: 'XTR', total_amount: 25, invoice_payload: 'i', telegram_payment_charge_id: 'c' };
  expect(hearMessage({ successful_payment: payment })).toBeUndefined();
  expect(hearMessage({ refunded_payment: payment })).toBeUndefined();
});
