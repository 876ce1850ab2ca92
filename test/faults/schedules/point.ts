import type { Boundary, Maker, Passage } from '../../support/effect-board.ts';
import type { Notification } from '../../support/kube-gate.ts';
import type { Step } from '../crash-table.ts';

/** One passage of one effect of a workload, found again in any run of it: the n-th of its kind. */
export interface Point {
  readonly maker: Maker;
  readonly boundary: Boundary;
  readonly operation: string;
  readonly moment: 'before' | 'after';
  readonly occurrence: number;
}

/** One event of a watch of the controller, found again in the same way. */
export interface NewsPoint {
  readonly resource: string;
  readonly type: string;
  /** `gen` or `dlv` for a Job. */
  readonly stage: string;
  readonly tells: string;
  readonly occurrence: number;
}

export function pointName({ maker, boundary, operation, moment, occurrence }: Point): string {
  return `${moment} ${maker} ${boundary} ${operation}${occurrence === 1 ? '' : ` #${occurrence}`}`;
}

export function newsName({ resource, type, stage, tells, occurrence }: NewsPoint): string {
  return `${resource}${stage && ` ${stage}`} ${type}${tells && ` ${tells}`}${occurrence === 1 ? '' : ` #${occurrence}`}`;
}

export function isSamePassage(point: Omit<Point, 'occurrence'>, { effect, moment }: Passage): boolean {
  return (
    moment === point.moment &&
    effect.maker === point.maker &&
    effect.boundary === point.boundary &&
    effect.operation === point.operation
  );
}

export function newsOf({ resource, type, name, tells }: Notification): Omit<NewsPoint, 'occurrence'> {
  return { resource, type, tells, stage: /-(gen|dlv)-/.exec(name)?.[1] ?? '' };
}

/** The step of the crash table that an effect is; undefined for one the table does not speak of. */
export function stepOf({
  maker,
  boundary,
  operation,
}: Pick<Point, 'maker' | 'boundary' | 'operation'>): Step | undefined {
  const table = steps[boundary];
  return (
    table[`${maker} ${operation}`] ??
    table[operation] ??
    (operation.includes('place_orders') ? 'place_orders' : undefined)
  );
}

const steps: Readonly<Record<Boundary, Readonly<Record<string, Step>>>> = {
  api: {
    'POST videojobs': 'relay POST',
    'POST jobs gen': 'generation Job',
    'POST jobs dlv': 'delivery Job',
    'PATCH videojobs/status': 'status mirror',
    'controller PATCH videojobs': 'finalizer',
  },
  postgres: {
    'ledger.place_orders': 'place_orders',
    'ledger.book_payment': 'payments',
    'ledger.answer_payment_refund': 'payment refund',
    'ledger.cancel_order': 'cancel_order',
    'insert bot.inbox': 'inbox',
    'ledger.claim': 'claim',
    'ledger.open_execution': 'open_execution',
    'ledger.lease_attempt': 'lease_attempt',
    'ledger.begin_submit': 'begin_submit',
    'ledger.answer_submit': 'answer_submit',
    'ledger.succeed_attempt': 'succeeded',
    'ledger.lease_delivery': 'lease_delivery',
    'ledger.begin_edit': 'begin_edit',
    'ledger.shown': 'shown',
    // The last thing a pod does: its verdict is written.
    'deliver ledger.record_requests': 'Job end',
    'ledger.close_order': 'close_order',
    'ledger.end_notice': 'notices',
    'ledger.note_callback': 'callback',
  },
  kie: { createTask: 'createTask', recordInfo: 'recordInfo', download: 'download' },
  telegram: {
    'getUpdates confirm': 'confirm updates',
    answerCallbackQuery: 'answer the tap',
    editMessageMedia: 'editMessageMedia',
    refundStarPayment: 'payment refund',
    'bot editMessageText': 'notices',
    'bot sendMessage': 'notices',
  },
  completions: {},
};
