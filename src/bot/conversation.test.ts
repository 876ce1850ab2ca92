import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textsIn } from '../texts/texts.ts';
import { ORDER_COUNTS } from '../videojob/order-count.ts';
import { converse } from './conversation.ts';
import type { Draft } from './draft.ts';
import type { PersonEvent } from './event.ts';
import { readReplies, writeReplies } from './reply.ts';
import type { Context } from './step.ts';

const nonce = 'a'.repeat(16);
const draft: Draft = {
  nonce,
  state: 'text',
  photoKey: 'p/1.jpg',
  productText: null,
  template: null,
  wishes: null,
  price: null,
  count: 1,
  messageId: 5,
  repeats: null,
  album: null,
  albumNoted: false,
  tooLongAt: null,
};
const filled: Draft = { ...draft, productText: 'a cup', template: 'ad', price: 2 };

function contextWith(changes: Partial<Context> = {}): Context {
  return {
    userId: 1,
    telegramId: 11,
    language: 'en',
    texts: textsIn('en'),
    consented: true,
    draft: null,
    terms: {
      unitPrice: 2,
      welcomeCredits: 3,
      acceptingOrders: true,
      openOrderLimit: 5,
      usualSeconds: 240,
      referralCredits: 0,
      referralDays: 21,
    },
    balance: { available: 10, held: 0, debt: 0, free: 0 },
    contact: '@human',
    freshNonce: 'b'.repeat(16),
    pressed: null,
    invitation: null,
    openOrders: [],
    ...changes,
  };
}

const text = (words: string, sentAt = 100): PersonEvent => ({ kind: 'text', text: words, sentAt });
const tap = (press: Extract<PersonEvent, { kind: 'press' }>['press'], messageId: number | null = 5): PersonEvent => ({
  kind: 'press',
  press,
  callbackId: 'tap',
  messageId,
});

const anyDraft = fc.option(
  fc.constantFrom<Draft>(
    draft,
    { ...draft, state: 'template', productText: 'a cup' },
    { ...draft, state: 'prompt', productText: 'a cup', template: 'self' },
    { ...filled, state: 'wishes', price: null },
    { ...filled, state: 'confirm' },
  ),
  { nil: null },
);
const anyNonce = fc.constantFrom(nonce, 'z'.repeat(16));
const anyEvent: fc.Arbitrary<PersonEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('command' as const),
    name: fc.constantFrom(
      'start',
      'new',
      'balance',
      'help',
      'cancel',
      'language',
      'terms',
      'privacy',
      'delete',
      'promo',
      'xyz',
    ),
    argument: fc.constantFrom(null, 'abcdefghij'),
  }),
  fc.record({
    kind: fc.constant('text' as const),
    text: fc.string({ maxLength: 5_000 }),
    sentAt: fc.integer({ min: 0, max: 1e9 }),
  }),
  fc.constantFrom<PersonEvent>(
    { kind: 'other' },
    { kind: 'file' },
    { kind: 'photo', file: { id: 'f', bytes: 1 }, caption: null, album: null },
  ),
  fc
    .tuple(fc.constantFrom('skip' as const, 'create' as const, 'discard' as const, 'check' as const), anyNonce)
    .map(([kind, of]) => tap({ kind, nonce: of })),
  anyNonce.map((of) => tap({ kind: 'template', nonce: of, template: 'ugc' })),
  fc.tuple(anyNonce, fc.constantFrom(...ORDER_COUNTS)).map(([of, count]) => tap({ kind: 'count', nonce: of, count })),
  fc.constantFrom(
    tap(undefined),
    tap({ kind: 'accept' }),
    tap({ kind: 'new' }),
    tap({ kind: 'cancel', order: 'a'.repeat(12) }),
  ),
);

test('whatever a person does, they get an answer, and what is said can be stored and read back', () => {
  fc.assert(
    fc.property(anyEvent, anyDraft, fc.boolean(), fc.nat({ max: 3 }), (event, open, consented, available) => {
      const context = contextWith({ draft: open, consented, balance: { available, held: 0, debt: 0, free: 0 } });
      const step = converse(context, event);
      expect((step.say?.length ?? 0) > 0 || step.act !== undefined).toBe(true);
      if (event.kind === 'press') {
        const answers = (step.say ?? []).filter((reply) => reply.kind === 'toast');
        const laterAnswered = step.act !== undefined && 'callbackId' in step.act;
        expect(answers.length + (laterAnswered ? 1 : 0), 'every tap is answered exactly once').toBe(1);
      }
      expect(readReplies(JSON.parse(writeReplies(step.say ?? [])))).toEqual(step.say ?? []);
    }),
  );
});

test('nothing is ordered and no photo is taken before consent', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const { act, draft: next } = converse(contextWith({ consented: false }), event);
      expect(next).toBeUndefined();
      expect(['accept', 'language', 'cancel', 'refer', 'forget', undefined]).toContain(act?.kind);
    }),
  );
});

describe('an order grows', () => {
  test('by one question at a time, to a confirmation with price and balance', () => {
    const described = converse(contextWith({ draft }), text('  a cup  '));
    expect(described.draft).toMatchObject({ state: 'template', productText: 'a cup' });
    const chosen = converse(
      contextWith({ draft: { ...draft, state: 'template', productText: 'a cup' } }),
      tap({ kind: 'template', nonce, template: 'ad' }),
    );
    expect(chosen.draft).toMatchObject({ state: 'wishes', template: 'ad' });
    expect(chosen.say).toMatchObject([{ kind: 'toast' }, { kind: 'edit', messageId: 5 }]);
    const wished = converse(contextWith({ draft: { ...filled, state: 'wishes', price: null } }), text('calm music'));
    expect(wished.draft).toMatchObject({ state: 'confirm', wishes: 'calm music', price: 2 });
    expect(wished.say).toMatchObject([
      { kind: 'send', html: expect.stringContaining('Price: <b>2 credits</b>. Your balance: 10 credits.') },
    ]);
  });

  test('with one’s own prompt in place of the description', () => {
    const own = { ...draft, state: 'template', productText: 'a cup' } as const;
    const chosen = converse(contextWith({ draft: own }), tap({ kind: 'template', nonce, template: 'self' }));
    expect(chosen.draft).toMatchObject({ state: 'prompt' });
    const written = converse(
      contextWith({ draft: { ...own, state: 'prompt', template: 'self' } }),
      text('the cup flies'),
    );
    expect(written.draft).toMatchObject({ state: 'confirm', productText: 'the cup flies', wishes: null });
  });

  test('only by its own buttons, at its own step', () => {
    const confirm = contextWith({ draft: { ...filled, state: 'confirm' } });
    expect(converse(confirm, tap({ kind: 'create', nonce })).act).toMatchObject({ kind: 'place', messageId: 5 });
    expect(converse(confirm, tap({ kind: 'create', nonce: 'z'.repeat(16) })).act).toBeUndefined();
    expect(converse(confirm, tap({ kind: 'skip', nonce })).draft).toBeUndefined();
    const foreign = { ...confirm, pressed: { userId: 2, closed: null } };
    expect(converse(foreign, tap({ kind: 'create', nonce: 'z'.repeat(16) })).say).toMatchObject([
      { text: 'This button is not yours.' },
    ]);
  });
});

describe('the number of videos is chosen on the confirmation', () => {
  const confirming = { ...filled, state: 'confirm' } as const;
  const kinds = (shown: unknown): string => JSON.stringify(shown);

  test('which then shows the price of all of them, at the price of now', () => {
    const context = contextWith({ draft: confirming, terms: { ...contextWith().terms, unitPrice: 3 } });
    const chosen = converse(context, tap({ kind: 'count', nonce, count: 3 }));
    expect(chosen.draft).toMatchObject({ count: 3, price: 3 });
    expect(chosen.say).toMatchObject([
      { kind: 'toast' },
      { kind: 'edit', messageId: 5, html: expect.stringContaining('Price: <b>9 credits</b>') },
    ]);
    expect(kinds(chosen.say)).toContain('Create 3 videos - 9 credits');
  });

  test('and a button that still shows another number or price places nothing any more', () => {
    const context = contextWith({ draft: confirming });
    const three = converse(context, tap({ kind: 'count', nonce, count: 3 })).draft;
    if (three === undefined || three === 'drop') throw new Error('no draft');
    const late = contextWith({ draft: three, pressed: { userId: 1, closed: 'dropped' } });
    const old = converse(late, tap({ kind: 'create', nonce }));
    expect(old.act, 'three videos for a button that says one').toBeUndefined();
    expect(old.say).toMatchObject([{ kind: 'toast', text: textsIn('en').toast.stale }]);
    expect(converse(late, tap({ kind: 'create', nonce: three.nonce })).act).toMatchObject({ kind: 'place' });
    const dearer = contextWith({ draft: confirming, terms: { ...contextWith().terms, unitPrice: 3 } });
    expect(converse(dearer, tap({ kind: 'check', nonce })).draft).toMatchObject({ price: 3, nonce: 'b'.repeat(16) });
    // The same question keeps its button: whoever taps twice is not told off.
    expect(converse(context, tap({ kind: 'check', nonce })).draft).toMatchObject({ price: 2, count: 1, nonce });
    expect(converse(context, tap({ kind: 'count', nonce, count: 1 })).draft).toMatchObject({ nonce });
  });

  test('and what nobody can pay for has no button that orders, only the choice of fewer', () => {
    const context = contextWith({ draft: confirming, balance: { available: 5, held: 0, debt: 0, free: 0 } });
    const { say } = converse(context, tap({ kind: 'count', nonce, count: 3 }));
    expect(kinds(say)).toContain('These 3 videos cost 6 credits, and you have 5 credits');
    expect(kinds(say)).not.toContain('"create"');
    expect(kinds(say)).toContain('"count":1');
  });

  test('up to the limit of open orders', () => {
    const context = contextWith({ draft: confirming, terms: { ...contextWith().terms, openOrderLimit: 4 } });
    const { say } = converse(context, tap({ kind: 'check', nonce }));
    expect(kinds(say)).toContain('"count":3');
    expect(kinds(say)).not.toContain('"count":5');
  });

  test('and only there', () => {
    const early = contextWith({ draft: { ...filled, state: 'wishes', price: null } });
    expect(converse(early, tap({ kind: 'count', nonce, count: 5 })).draft).toBeUndefined();
  });
});

test('without enough credits there is no button that orders', () => {
  const poor = contextWith({
    draft: { ...filled, state: 'wishes', price: null },
    balance: { available: 1, held: 1, debt: 0, free: 0 },
  });
  const { say } = converse(poor, tap({ kind: 'skip', nonce }));
  const shown = JSON.stringify(say);
  expect(shown).toContain('@human');
  expect(shown).not.toContain('"create"');
  expect(shown).toContain('"check"');
});

test('too long a text names its length and the limit, and what Telegram cut off is not an answer', () => {
  const long = converse(contextWith({ draft }), text('x'.repeat(3_001)));
  expect(long.draft).toMatchObject({ state: 'text', tooLongAt: 100 });
  expect(long.say).toMatchObject([{ html: expect.stringContaining('3001') }]);
  const cut = contextWith({ draft: { ...draft, tooLongAt: 100 } });
  expect(converse(cut, text('x', 101))).toEqual({});
  expect(converse(cut, text('a cup', 110)).draft).toMatchObject({ state: 'template', tooLongAt: null });
});

test('/cancel drops a draft, else offers the orders that can still be cancelled', () => {
  const command: PersonEvent = { kind: 'command', name: 'cancel', argument: null };
  expect(converse(contextWith({ draft }), command).draft).toBe('drop');
  const openOrders = [
    { orderId: 'a'.repeat(12), cancellable: true },
    { orderId: 'b'.repeat(12), cancellable: false },
  ];
  const offered = converse(contextWith({ openOrders }), command);
  expect(offered.say).toMatchObject([{ keyboard: [[{ press: { kind: 'cancel', order: 'a'.repeat(12) } }]] }]);
  expect(converse(contextWith(), command).say).toMatchObject([{ html: 'There is nothing to cancel.' }]);
});
