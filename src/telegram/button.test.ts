import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Press, pressData, readPress } from './button.ts';

const letters = 'abcdefghijklmnopqrstuvwxyz234567'.split('');
const word = (length: number) =>
  fc.array(fc.constantFrom(...letters), { minLength: length, maxLength: length }).map((all) => all.join(''));
const nonce = word(16);
const order = word(12);

const press: fc.Arbitrary<Press> = fc.oneof(
  fc.constantFrom<Press>(
    { kind: 'accept' },
    { kind: 'new' },
    { kind: 'language', language: 'ru' },
    { kind: 'language', language: 'en' },
  ),
  fc.record({
    kind: fc.constant('template' as const),
    nonce,
    template: fc.constantFrom('ugc' as const, 'ad' as const, 'self' as const),
  }),
  fc.record({
    kind: fc.constant('count' as const),
    nonce,
    count: fc.constantFrom(1 as const, 3 as const, 5 as const),
  }),
  fc.record({ kind: fc.constantFrom(...(['skip', 'create', 'discard', 'check', 'forget', 'keep'] as const)), nonce }),
  fc.record({
    kind: fc.constant('again' as const),
    order,
    turn: fc.integer({ min: 1, max: 9_999_999 }),
    price: fc.integer({ min: 1, max: 1_000_000 }),
  }),
  fc.record({ kind: fc.constant('buy' as const), package: fc.stringMatching(/^[a-z0-9-]{1,32}$/) }),
  fc.record({ kind: fc.constantFrom('cancel' as const, 'show' as const), order }),
);

test('every button fits into 64 bytes and reads as it was written', () => {
  fc.assert(
    fc.property(press, (one) => {
      const data = pressData(one);
      expect(Buffer.byteLength(data)).toBeLessThanOrEqual(64);
      expect(readPress(data)).toEqual(one);
    }),
  );
});

test('data that we never wrote is no button', () => {
  for (const data of [
    '',
    'ok:1',
    'c:',
    'c:short',
    'c:AAAAAAAAAAAAAAAA',
    't:aaaaaaaaaaaaaaaa:other',
    'k:aaaaaaaaaaaaaaaa:2',
    'k:aaaaaaaaaaaaaaaa:05',
    'k:aaaaaaaaaaaaaaaa:-1',
    'g:aaaaaaaaaaaa:1',
    'x:../../etc',
    'g:aaaaaaaaaaaa:-1:1',
    'again',
  ]) {
    expect(readPress(data), data).toBeUndefined();
  }
  fc.assert(
    fc.property(
      fc.string(),
      (text) => readPress(text) === undefined || pressData(readPress(text) ?? { kind: 'new' }) === text,
    ),
  );
});
