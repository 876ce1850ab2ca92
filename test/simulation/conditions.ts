import type { StoredObject } from './api-server.ts';

/** One line of a stored status. Read by hand: the API server here looks at every status that is written. */
export interface StoredCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

export function conditionsOf(status: StoredObject['status']): StoredCondition[] {
  const conditions: unknown = status?.['conditions'];
  if (!Array.isArray(conditions)) return [];
  return (conditions as unknown[]).flatMap((one) => {
    if (typeof one !== 'object' || one === null) return [];
    const text = (key: string): string => String(Reflect.get(one, key));
    return [{ type: text('type'), status: text('status'), reason: text('reason') }];
  });
}

/** Why a VideoJob is Finished; undefined while it is not. */
export function finishedReason(status: StoredObject['status']): string | undefined {
  return conditionsOf(status).find((one) => one.type === 'Finished' && one.status === 'True')?.reason;
}
