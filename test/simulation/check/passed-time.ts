import type { Tables } from '../postgres/tables.ts';

const instants = /(At|Until|Since|Before)$/;

/** Lets so many seconds pass by moving every instant in the rows into the past. */
export function passTime(tables: Tables, seconds: number): null {
  const ms = seconds * 1000;
  const rows: object[] = [
    ...[...tables.people.values(), ...tables.holds.values(), ...tables.orders.values(), ...tables.executions],
    ...[...tables.submitNonces.values(), ...tables.attempts, ...tables.deliveries.values(), ...tables.edits.values()],
    ...[...tables.notices, ...tables.hints],
  ];
  for (const row of rows) {
    for (const [key, value] of Object.entries(row)) {
      if (instants.test(key) && typeof value === 'number') Reflect.set(row, key, value - ms);
    }
  }
  for (const pause of tables.pauses) {
    pause.lower -= ms;
    if (pause.upper !== null) pause.upper -= ms;
  }
  for (const [provider, taken] of tables.tokens)
    tables.tokens.set(
      provider,
      taken.map((instant) => instant - ms),
    );
  return null;
}
