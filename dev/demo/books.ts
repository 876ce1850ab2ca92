import pg from 'pg';
import { z } from 'zod';

/** What the script reads of the ledger, to know which order a tap became and how far it is. */
export interface Books {
  /** The first order of the group that this nonce placed. */
  orderOf(nonce: string): Promise<string | undefined>;
  progressOf(order: string): Promise<OrderProgress>;
  close(): Promise<void>;
}

const orderRow = z.object({ order_id: z.string() });
const progressRow = z.object({
  state: z.string(),
  reason: z.string().nullable(),
  jobs: z.array(z.object({ stage: z.enum(['generation', 'delivery']), n: z.number() })),
});
export type OrderProgress = z.infer<typeof progressRow>;

/** One connection at a time, opened again when PostgreSQL was away; whoever asks meanwhile gets its error. */
export function openBooks(databaseUrl: string): Books {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, connectionTimeoutMillis: 5_000 });
  pool.on('error', () => undefined);
  async function ask<T>(sql: string, values: string[], row: z.ZodType<T>): Promise<T | undefined> {
    const { rows } = await pool.query<Record<string, unknown>>(sql, values);
    return z.array(row).parse(rows)[0];
  }
  return {
    async orderOf(nonce) {
      const sql = `select order_id from ledger.orders join ledger.order_groups using (group_id)
        where nonce = $1 order by position limit 1`;
      return (await ask(sql, [nonce], orderRow))?.order_id;
    },
    async progressOf(order) {
      const sql = `select state, reason, coalesce((select json_agg(json_build_object('stage', stage, 'n', n) order by opened_at)
        from ledger.executions where order_id = $1), '[]') as jobs from ledger.holds where order_id = $1`;
      const found = await ask(sql, [order], progressRow);
      if (found === undefined) throw new Error(`the ledger has no hold of order ${order}`);
      return found;
    },
    close: () => pool.end(),
  };
}
