import type { Verdict } from '../../support/effect-board.ts';
import type { Strike } from '../crash-table.ts';
import { type Point, stepOf } from './point.ts';

/** What a fault at this point is in the words of the crash table. */
export function strikesOf(point: Point, fault: Strike['fault']): Strike[] {
  const step = stepOf(point);
  return step === undefined ? [] : [{ step, fault }];
}

/** The faults of a stand-in in the same words; any other one is `before`. */
export const standInFaults: Readonly<Record<string, Strike['fault']>> = {
  'process-then-drop': 'after',
  slow: 'delayed',
  redeliver: 'twice',
  '429': 'refused',
};

/** What a fault of a stand-in's method is. */
export function standInStrikes(method: string, fault: Strike['fault']): Strike[] {
  switch (method) {
    case 'callback':
      return [{ step: 'callback', fault: fault === 'twice' || fault === 'after' ? 'twice' : 'lost' }];
    case 'getUpdates':
      return [{ step: 'confirm updates', fault: 'after' }];
    case 'createTask':
    case 'recordInfo':
    case 'download':
    case 'editMessageMedia':
      return [{ step: method, fault }];
    case 'sendMessage':
      return [{ step: 'notices', fault }];
    default:
      return [];
  }
}

const reasons: Readonly<Record<number, string>> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

/** As the API server words it; other services look at the number. */
export function refusal(status: number): Verdict {
  const body = {
    ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code: status },
    ...{ reason: reasons[status], message: 'struck by the bench' },
  };
  return { kind: 'answer', status, body, ...(status === 429 ? { retryAfter: 1 } : {}) };
}
