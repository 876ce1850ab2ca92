import type { Notice } from '../order/notices.ts';
import type { Button } from '../telegram/button.ts';
import { textsIn } from '../texts/texts.ts';
import { plain, type Screen } from './screens.ts';
import { isWorthRepeating, troubleOf } from './trouble.ts';

/** The words and buttons of a notice. */
export function noticeScreen(notice: Notice): Screen {
  const { fact, language, orderId, position, count, available, debt, unitPrice } = notice;
  const texts = textsIn(language);
  const fresh: Button = { text: texts.newVideo, press: { kind: 'new' } };
  const again = (text: string): Button => ({
    text,
    press: { kind: 'again', order: orderId, turn: 1, price: unitPrice },
  });
  switch (fact.kind) {
    case 'progress': {
      const cancel: Button = { text: texts.cancelOrder, press: { kind: 'cancel', order: orderId } };
      return { html: texts.progress({ ...fact, position, count }), keyboard: fact.cancellable ? [[cancel]] : [] };
    }
    case 'slow':
      return plain(texts.slow(fact));
    case 'delivered':
      return {
        html: texts.delivered({ ...fact, position, count, available }),
        keyboard: [[again(texts.again(unitPrice))], [fresh]],
      };
    case 'unconfirmed':
      return {
        html: texts.unconfirmed({ credits: fact.credits }),
        keyboard: [[{ text: texts.sendAgain, press: { kind: 'show', order: orderId } }]],
      };
    case 'failed': {
      const trouble = troubleOf(fact.reason, fact.failureClass);
      if (count > 1) return plain(texts.failedInGroup({ trouble, returned: fact.returned, position, count }));
      const html = texts.failed({ trouble, returned: fact.returned, available, debt });
      const other: Button = { text: texts.otherPhoto, press: { kind: 'new' } };
      return { html, keyboard: isWorthRepeating(trouble) ? [[again(texts.tryAgain(unitPrice))], [fresh]] : [[other]] };
    }
    case 'summary': {
      const troubles = [...new Set(fact.failures.map((one) => troubleOf(one.reason, one.failureClass)))];
      const html = texts.summary({ ...fact, count, available, debt, troubles });
      const other: Button = { text: texts.otherPhoto, press: { kind: 'new' } };
      // Where nothing came of it and the photo or the words are to blame, more of the same would be refused as well.
      const inVain = fact.shown + fact.kept === 0 && !troubles.some(isWorthRepeating);
      return { html, keyboard: inVain ? [[other]] : [[again(texts.again(unitPrice))], [fresh]] };
    }
  }
}

/** Whether it is told in the order's progress message, silently, instead of a new one. */
export function isEdit({ fact, count }: Notice): boolean {
  return fact.kind === 'progress' || (fact.kind === 'failed' && count > 1);
}

/** What is left of the progress message when the order failed: it must not go on saying that something is being made. */
export function closedProgress(notice: Notice): string | undefined {
  const { fact, language } = notice;
  if (fact.kind !== 'failed') return undefined;
  return textsIn(language).trouble[troubleOf(fact.reason, fact.failureClass)].what;
}
