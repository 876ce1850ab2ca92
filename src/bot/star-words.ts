import type { BookedPayment, ReturnedPayment } from '../ledger/payments.ts';
import type { AnsweredRefund } from '../ledger/refunds.ts';
import type { Language } from '../texts/language.ts';
import { textsIn } from '../texts/texts.ts';
import type { Reply } from './reply.ts';
import { plain, show } from './screens.ts';

interface Told {
  stars: number;
  /** The language of the person's client, for somebody we do not know. */
  spoken: Language;
  contact: string;
}

/** What a person reads of Stars that came. */
export function paymentWords(booked: BookedPayment, { stars, spoken, contact }: Told): Reply[] {
  const texts = textsIn(booked.language ?? spoken);
  switch (booked.outcome) {
    case 'booked':
      return [show(plain(texts.paid(booked)))];
    case 'unmatched':
      return [show(plain(texts.paymentUnmatched({ stars, contact })))];
    // It was told before; what a conflict is, an operator has to say.
    case 'exists':
    case 'conflict':
      return [];
  }
}

/** What a person reads of Stars that went back. */
export function returnWords(returned: ReturnedPayment, { stars, spoken, contact }: Told): Reply[] {
  const texts = textsIn(returned.language ?? spoken);
  switch (returned.outcome) {
    case 'charged-back':
      return [show(plain(texts.chargedBack({ ...returned, stars, contact })))];
    case 'refund-confirmed':
    case 'unmatched':
      return [show(plain(texts.refunded({ stars, ...standing(returned) })))];
    case 'exists':
    case 'conflict':
      return [];
  }
}

/** What a person reads when a refund of ours has ended. */
export function refundWords(answered: AnsweredRefund, { stars, spoken, contact }: Told): Reply[] {
  const texts = textsIn(answered.language ?? spoken);
  switch (answered.state) {
    case 'intent':
      return [];
    case 'done':
      return [show(plain(texts.refunded({ stars, ...standing(answered) })))];
    case 'refused':
      return [show(plain(texts.refundRefused({ stars, contact, ...standing(answered) })))];
  }
}

/** Whoever has no account has no balance to be told. */
function standing({ userId, credits, available }: Pick<AnsweredRefund, 'userId' | 'credits' | 'available'>) {
  return { credits, available: userId === null ? null : available };
}
