import type { RequestCount } from '../ledger/executions.ts';

/** Counts what this runner asked of the outside; it lives too briefly to be scraped, so the sums go to its row at the end. */
export interface RequestTally {
  add(target: RequestCount['target'], operation: string, outcome: string): void;
  /** What was counted since the last take. */
  take(): RequestCount[];
}

export function createRequestTally(): RequestTally {
  let counts = new Map<string, RequestCount>();
  return {
    add(target, operation, outcome) {
      const key = `${target} ${operation} ${outcome}`;
      const known = counts.get(key);
      counts.set(key, { target, operation, class: outcome, count: (known?.count ?? 0) + 1 });
    },
    take() {
      const taken = [...counts.values()];
      counts = new Map();
      return taken;
    },
  };
}
