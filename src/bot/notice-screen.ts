import type { Notice } from '../order/notices.ts';
import type { Button } from '../telegram/button.ts';
import { textsIn } from '../texts/texts.ts';
import { plain, type Screen } from './screens.ts';
import { isWorthRepeating, troubleOf } from './trouble.ts';

/** The words and buttons of a notice. `silent`: it edits the progress message instead of being a new one. */
export function noticeScreen({ fact, language, orderId, available, unitPrice }: Notice): Screen {
  const texts = textsIn(language);
  const fresh: Button = { text: texts.newVideo, press: { kind: 'new' } };
  const again = (text: string): Button => ({
    text,
    press: { kind: 'again', order: orderId, turn: 1, price: unitPrice },
  });
  switch (fact.kind) {
    case 'progress': {
      const cancel: Button = { text: texts.cancelOrder, press: { kind: 'cancel', order: orderId } };
      return { html: texts.progress(fact), keyboard: fact.cancellable ? [[cancel]] : [] };
    }
    case 'slow':
      return plain(texts.slow(fact));
    case 'delivered':
      return {
        html: texts.delivered({ credits: fact.credits, available }),
        keyboard: [[again(texts.again(unitPrice))], [fresh]],
      };
    case 'unconfirmed':
      return {
        html: texts.unconfirmed({ credits: fact.credits }),
        keyboard: [[{ text: texts.sendAgain, press: { kind: 'show', order: orderId } }]],
      };
    case 'failed': {
      const trouble = troubleOf(fact.reason, fact.failureClass);
      const html = texts.failed({ trouble, returned: fact.returned, available });
      const other: Button = { text: texts.otherPhoto, press: { kind: 'new' } };
      return { html, keyboard: isWorthRepeating(trouble) ? [[again(texts.tryAgain(unitPrice))], [fresh]] : [[other]] };
    }
  }
}

/** What is left of the progress message when the order failed: it must not go on saying that something is being made. */
export function closedProgress(notice: Notice): string | undefined {
  const { fact, language } = notice;
  if (fact.kind !== 'failed') return undefined;
  return textsIn(language).trouble[troubleOf(fact.reason, fact.failureClass)].what;
}
