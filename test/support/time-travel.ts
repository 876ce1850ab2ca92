import type { Database } from '../../src/postgres/call.ts';

/**
 * Lets so many seconds pass for one order, by moving everything that is known of it into the past. In a transaction of the superuser.
 */
export async function passTime(database: Database, orderId: string, seconds: number): Promise<void> {
  // Rules are off for the moment: no statement of the product can do this.
  await database.query("set local session_replication_role = 'replica'");
  // In the product's order of locks, so that time can pass beside anything.
  await database.query('select from ledger.holds where order_id = $1 for no key update', [orderId]);
  for (const statement of statements) await database.query(statement, [orderId, seconds]);
}

const columns: Readonly<Record<string, readonly string[]>> = {
  orders: ['placed_at', 'claimed_at', 'admitted_at', 'slow_noted_at', 'relay_due_at', 'looked_at'],
  holds: ['held_at'],
  executions: ['opened_at', 'leased_at', 'ended_at'],
  attempts: [
    'opened_at',
    'lease_until',
    'not_before',
    'accepted_at',
    'ended_at',
    'photo_url_until',
    'follow_due_at',
    'follow_until',
  ],
  deliveries: ['opened_at', 'lease_until', 'not_before', 'refused_at', 'showing_until', 'showing_due_at'],
  delivery_edits: ['begun_at'],
  notices: ['due_at', 'lease_until'],
};

const statements = [
  ...Object.entries(columns).map(
    ([table, names]) =>
      `update ledger.${table} set ${names.map((name) => `${name} = ${name} - make_interval(secs => $2::float8)`).join(', ')} where order_id = $1`,
  ),
  `update ledger.pauses set during = tstzrange(lower(during) - make_interval(secs => $2::float8), upper(during) - make_interval(secs => $2::float8))
   where order_id = $1`,
];
