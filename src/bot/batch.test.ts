import { expect, test } from 'vitest';
import { createLogger } from '../log/logger.ts';
import { offsetAfter, readBatch } from './batch.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const update = (id: number) => ({ update_id: id });
const away = Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
const defect = new Error('defect');
const payment = (updateId: number, cause: unknown) => ({ updateId, isPayment: true, cause });
const other = (updateId: number, cause: unknown) => ({ updateId, isPayment: false, cause });
const batchOf = (count: number) =>
  readBatch(
    Array.from({ length: count }, (_, n) => update(100 + n)),
    log,
  );

test('everything that was stored is confirmed, what has an unknown shape too', () => {
  const batch = readBatch([update(5), { update_id: 7, message: 'words' }, update(6)], log);
  expect(batch.read.map(({ update_id }) => update_id)).toEqual([5, 6]);
  expect(offsetAfter(batch, [], log)).toBe(8);
  expect(offsetAfter(readBatch([], log), [], log)).toBeUndefined();
});

test('nothing is confirmed from the first update on that was not stored', () => {
  expect(offsetAfter(batchOf(10), [payment(104, defect), payment(102, defect)], log)).toBe(102);
  expect(offsetAfter(batchOf(99), [payment(100, defect)], log)).toBe(100);
});

test('a payment that cannot be booked gives way when Telegram can show nothing behind it, but not while PostgreSQL is away', () => {
  const full = batchOf(100);
  expect(offsetAfter(full, [payment(100, defect), payment(150, defect)], log)).toBe(200);
  expect(offsetAfter(full, [payment(100, away)], log)).toBe(100);
  expect(offsetAfter(full, [payment(100, defect), payment(150, away)], log)).toBe(100);
  expect(offsetAfter(full, [other(130, defect)], log)).toBe(130);
});
