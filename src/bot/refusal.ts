import type { Placed } from '../order/placement.ts';
import type { Draft } from './draft.ts';
import { questionScreen, type Screen, withLead } from './screens.ts';
import type { Context } from './step.ts';

/** A refused nonce stays refused, so its screen is shown again with a fresh one, and says why. */
export function refusedScreen(
  refused: Extract<Placed, { outcome: 'refused' }>,
  draft: Draft,
  context: Context,
): { draft: Draft; screen: Screen } {
  const { texts, terms, contact } = context;
  const next: Draft = { ...draft, nonce: context.freshNonce, price: terms.unitPrice };
  const known = { ...context, balance: { ...context.balance, available: refused.available } };
  const screen = questionScreen(next, known);
  switch (refused.reason) {
    case 'InsufficientCredits':
    // The screen of somebody without credits tells of the debt.
    case 'InDebt':
      return { draft: next, screen };
    case 'TooManyOpenOrders':
      return { draft: next, screen: withLead(texts.tooManyOpen({ limit: terms.openOrderLimit }), screen) };
    case 'OrdersPaused':
      return { draft: next, screen: withLead(texts.ordersPaused, screen) };
    case 'PriceChanged':
      return { draft: next, screen: withLead(texts.priceChanged(terms.unitPrice), screen) };
    case 'Banned':
      return { draft: next, screen: withLead(texts.banned({ contact }), screen) };
    case 'NoConsent':
      return { draft: next, screen: withLead(texts.consent, screen) };
  }
}
