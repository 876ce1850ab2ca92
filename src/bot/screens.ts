import { photoLimits } from '../photo/photo.ts';
import type { Button, Keyboard } from '../telegram/button.ts';
import type { Catalog, PhotoTrouble } from '../texts/catalog.ts';
import { ORDER_COUNTS } from '../videojob/order-count.ts';
import type { Draft } from './draft.ts';
import type { Reply } from './reply.ts';
import type { Context } from './step.ts';

/** A Telegram message holds 4,096 characters, and the confirmation repeats the beginning of both texts. */
export const maxCharacters = 3_000;
const maxMegabytes = Math.floor(photoLimits.maxBytes / 1024 / 1024);

export interface Screen {
  html: string;
  keyboard: Keyboard;
}

export function plain(html: string): Screen {
  return { html, keyboard: [] };
}

/** A new message, or where a message was tapped, that message. */
export function show(screen: Screen, messageId: number | null = null, asks: string | null = null): Reply {
  return messageId === null ? { kind: 'send', ...screen, asks } : { kind: 'edit', messageId, ...screen, asks };
}

export function toast(callbackId: string, text: string | null = null): Reply {
  return { kind: 'toast', callbackId, text };
}

export function consentScreen(texts: Catalog): Screen {
  return {
    html: texts.consent,
    keyboard: [[{ text: texts.accept, press: { kind: 'accept' } }], languageRow],
  };
}

const languageRow: Button[] = [
  { text: 'Русский', press: { kind: 'language', language: 'ru' } },
  { text: 'English', press: { kind: 'language', language: 'en' } },
];

export function languageScreen(texts: Catalog): Screen {
  return { html: texts.language, keyboard: [languageRow] };
}

export function askPhotoScreen(texts: Catalog): Screen {
  return plain(texts.askPhoto({ maxMegabytes }));
}

export function photoRefusedScreen(texts: Catalog, trouble: PhotoTrouble): Screen {
  return plain(texts.photoRefused(trouble, { maxMegabytes, minSide: photoLimits.minSide }));
}

/** The question that belongs to the draft's state. */
export function questionScreen(draft: Draft, context: Context): Screen {
  const { texts } = context;
  switch (draft.state) {
    case 'text':
      return plain(texts.askText({ maxCharacters }));
    case 'template':
      return {
        html: texts.askTemplate,
        keyboard: (['ugc', 'ad', 'self'] as const).map((template) => [
          { text: texts.template[template], press: { kind: 'template', nonce: draft.nonce, template } },
        ]),
      };
    case 'prompt':
      return plain(texts.askPrompt({ maxCharacters }));
    case 'wishes':
      return {
        html: texts.askWishes({ maxCharacters }),
        keyboard: [[{ text: texts.skip, press: { kind: 'skip', nonce: draft.nonce } }]],
      };
    case 'confirm':
      return confirmScreen(draft, context);
  }
}

function confirmScreen(draft: Draft, { texts, terms, balance, contact }: Context): Screen {
  const { nonce, count } = draft;
  const unitPrice = draft.price ?? terms.unitPrice;
  const price = unitPrice * count;
  const { available } = balance;
  // Who can pay for one may choose again; a number above the limit of open orders would only be refused.
  const offered = available < unitPrice ? [] : ORDER_COUNTS.filter((one) => one <= terms.openOrderLimit);
  const counts = offered.map(
    (one): Button => ({
      text: texts.countButton({ count: one, chosen: one === count }),
      press: { kind: 'count', nonce, count: one },
    }),
  );
  const choice = counts.length > 1 ? [counts] : [];
  const discard: Button = { text: texts.discard, press: { kind: 'discard', nonce } };
  if (available < price) {
    const check: Button = { text: texts.checkAgain, press: { kind: 'check', nonce } };
    const poor = {
      html: texts.noCredits({ count, price, available, contact }),
      keyboard: [...choice, [check], [discard]],
    };
    return balance.debt > 0 ? withLead(texts.inDebt({ debt: balance.debt, contact }), poor) : poor;
  }
  const html = texts.confirm({
    template: draft.template ?? 'ugc',
    productText: draft.productText ?? '',
    wishes: draft.wishes,
    count,
    unitPrice,
    price,
    available,
    usualSeconds: terms.usualSeconds,
  });
  const create: Button = { text: texts.create({ count, price }), press: { kind: 'create', nonce } };
  return { html, keyboard: [...choice, [create], [discard]] };
}

/** Another screen with a sentence before it. */
export function withLead(lead: string, screen: Screen): Screen {
  return { ...screen, html: `${lead}\n\n${screen.html}` };
}
