import { resolvePayment } from '../ledger/oversight.ts';
import { type BegunRefund, beginPaymentRefund } from '../ledger/refunds.ts';
import { actOnceOf, type Command, UsageError } from './command.ts';

function chargeOf(word: string | undefined): string {
  if (word === undefined || word === '')
    throw new UsageError('name the charge of the payment: admin person lists them');
  return word;
}

const refusals: Readonly<Record<NonNullable<BegunRefund['because']>, string>> = {
  'unknown-payment': 'the ledger knows no such payment: admin person lists the charges of a person',
  'charged-back': 'it was charged back: the Stars are with the person already',
  forgotten: 'its person had themselves forgotten, and Telegram cannot be told whom to give the Stars back',
  spent: 'the credits it brought are not there any more: they are held or spent',
};

export const paymentRefund: Command = {
  words: 'payment refund',
  usage: 'CHARGE --reference REF',
  about: 'takes the credits of a payment back and then gives the Stars back; refused when they are spent',
  async run([word], admin) {
    const refund = await beginPaymentRefund(admin.database, chargeOf(word), actOnceOf(admin));
    const { out, err } = admin.terminal;
    const what = `${refund.credits} credits for ${refund.stars} Stars`;
    switch (refund.outcome) {
      case 'refused':
        err(`Not refunded: ${refund.because === null ? 'refused' : refusals[refund.because]}.\n`);
        return 1;
      case 'would-begin':
        out(`Would take ${what} back; available now ${refund.available}\n`);
        return 0;
      case 'exists':
        out(`Refund ${refund.refundId ?? '?'} of this payment is ${refund.state ?? 'known'} already\n`);
        return 0;
      case 'intent':
        out(
          `Refund ${refund.refundId ?? '?'}: ${what} left the balance (available ${refund.available}); the bot asks Telegram now\n`,
        );
        return 0;
    }
  },
};

export const paymentResolve: Command = {
  words: 'payment resolve',
  usage: 'CHARGE --reference REF',
  about: 'ends the alarm about an unmatched payment, after what was to be done about it',
  async run([word], admin) {
    const { outcome } = await resolvePayment(admin.database, chargeOf(word), actOnceOf(admin));
    if (outcome === 'nothing-to-resolve') {
      admin.terminal.err('There is nothing open about this charge.\n');
      return 1;
    }
    admin.terminal.out(
      { resolved: 'Resolved\n', exists: 'It was resolved already\n', 'would-resolve': 'Would be resolved\n' }[outcome],
    );
    return 0;
  },
};
