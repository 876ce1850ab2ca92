import { describe, expect, test } from 'vitest';
import { failureClasses, policyOf } from '../failure/classes.ts';
import type { Catalog } from './catalog.ts';
import { en } from './en.ts';
import { excerpt } from './html.ts';
import { LANGUAGES, languageOf } from './language.ts';
import { ru } from './ru.ts';
import { textsIn } from './texts.ts';

/** What every text with placeholders is asked with: numbers and words that can be found again. */
const facts = {
  granted: 7,
  available: 11,
  price: 13,
  usualSeconds: 17 * 60,
  elapsedSeconds: 19 * 60,
  maxMegabytes: 23,
  minSide: 29,
  maxCharacters: 31,
  characters: 37,
  held: 41,
  returned: 43,
  credits: 47,
  place: 53,
  stars: 73,
  repaid: 83,
  contact: '@contact-59',
  template: 'ad',
  productText: 'product-61',
  wishes: 'wishes-67',
  count: 3,
  position: 2,
  chosen: true,
  unitPrice: 127,
  limit: 79,
  shown: 131,
  kept: 89,
  charged: 97,
  othersOpen: true,
  debt: 101,
  forfeits: 103,
  days: 107,
  link: 'link-109',
  orders: ['order-113'],
  troubles: ['person', 'technical'],
  stage: 'queued',
  trouble: 'person',
} as const;

/** Every text of a catalogue by its path; functions are called with the facts. */
function flat(catalog: Catalog): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'string') found.set(path, value);
    else if (typeof value === 'function') {
      const firstArgument: unknown =
        path === 'photoRefused'
          ? 'too-big'
          : ['again', 'tryAgain', 'priceChanged'].includes(path)
            ? 13
            : path === 'orderButton'
              ? 'order-71'
              : facts;
      const text: unknown = Reflect.apply(value, undefined, [firstArgument, facts]);
      visit(text, path);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner, path === '' ? key : `${path}.${key}`);
    }
  };
  visit(catalog, '');
  return found;
}

/** The numbers and marked words in a text. */
function placeholders(text: string): string[] {
  return [...new Set(text.match(/(?:product|wishes|contact|order|link)-\d+|\b\d{1,3}\b/g) ?? [])].sort();
}

test('both languages have every text, and say the same facts in it', () => {
  const [english, russian] = [flat(en), flat(ru)];
  expect([...russian.keys()].sort()).toEqual([...english.keys()].sort());
  for (const [path, text] of english) {
    expect(text.trim(), path).not.toBe('');
    expect(placeholders(russian.get(path) ?? ''), path).toEqual(placeholders(text));
  }
});

/** What the Bot API takes, by the beginning of a text's path. */
const limits: readonly [string, number][] = [
  ['toast', 200],
  ['checkout', 200],
  ['commands', 256],
  ['description', 120],
  ['invoiceTitle', 32],
  ['invoiceDescription', 255],
];

test('no text is longer than Telegram takes, and each has whole tags', () => {
  for (const language of LANGUAGES) {
    for (const [path, text] of flat(textsIn(language))) {
      const limit = limits.find(([start]) => path.startsWith(start))?.[1] ?? 4096;
      expect(text.length, `${language} ${path}`).toBeLessThanOrEqual(limit);
      expect(text.match(/<b>/g)?.length ?? 0, `${language} ${path}`).toBe(text.match(/<\/b>/g)?.length ?? 0);
    }
  }
});

test('every class of failure has a text that says what happened and what to do', () => {
  for (const language of LANGUAGES) {
    for (const failure of failureClasses) {
      const { what, tip } = textsIn(language).trouble[policyOf(failure).textKey];
      expect(what.length).toBeGreaterThan(10);
      expect(tip.length).toBeGreaterThan(10);
    }
  }
});

describe('what people write', () => {
  const nasty = '<b>5 < 6 & "so"</b>';

  test('is harmless in the confirmation, whatever it holds', () => {
    for (const language of LANGUAGES) {
      const texts = textsIn(language);
      const shown = texts.confirm({ ...facts, productText: nasty, wishes: nasty });
      expect(shown).toContain('&lt;b&gt;5 &lt; 6 &amp; &quot;so&quot;&lt;/b&gt;');
      expect(shown).not.toContain('<b>5');
    }
  });

  test('is shortened by whole characters, before it is escaped', () => {
    expect(excerpt('🙂🙂🙂🙂', 2)).toBe('🙂🙂…');
    expect(excerpt('<<<<', 2)).toBe('&lt;&lt;…');
    expect(excerpt('short', 10)).toBe('short');
  });
});

test('numbers take the right form of the word', () => {
  const balance = (available: number): string => ru.balance({ available, held: 0, debt: 0 });
  expect(balance(1)).toContain('1 кредит<');
  expect(balance(3)).toContain('3 кредита<');
  expect(balance(5)).toContain('5 кредитов<');
  expect(balance(21)).toContain('21 кредит<');
  expect(en.balance({ available: 1, held: 0, debt: 0 })).toContain('1 credit<');
  expect(en.balance({ available: 0, held: 2, debt: 0 })).toContain('2 credits');
});

test('a person is spoken to in their client’s language where we speak it', () => {
  expect(['ru', 'ru-RU', 'en-GB', 'de', undefined, 'rup'].map((tag) => languageOf(tag))).toEqual([
    'ru',
    'ru',
    'en',
    'en',
    'en',
    'en',
  ]);
});
