import { z } from 'zod';

/** A timestamptz inside jsonb: ISO 8601 with microseconds and an offset. */
export const timestamp = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
/** Credits: integers, never fractions. */
export const credits = z.number().int();
export const orderId = z.string().regex(/^[a-z2-7]{12}$/);
/** The answer of a function that only acts. */
export const nothing = z.null().transform(() => undefined);
