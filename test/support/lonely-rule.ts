/** Rows of tables that nothing furnishes, for a table whose other rules are gone. */
const samples: Readonly<Record<string, string>> = {
  admin_actions:
    "(actor, command, reference, subject, reason, outcome) values ('me', 'grant', 'ref', '{}', 'because', '{}')",
  chargebacks: "(payment_id, user_id, credits, source) values (-1, -1, 5, 'update')",
  invoices:
    "(user_id, package_id, package_version, credits, stars, expires_at) values (-1, 'none', 1, 5, 5, now() + interval '1 hour')",
  lost_orders: "(order_id, epoch) values ('zzzzzzzzzzzz', 1)",
  packages: "(package_id, version, credits, stars) values ('p', 1, 5, 5)",
  payment_conflicts: "(charge_id, said) values ('charge', '{}')",
  payment_refunds: '(payment_id, user_id, credits, action_id) values (-1, -1, 5, -1)',
  payment_resolutions: "(action_id, charge_id) values (-1, 'charge')",
  payments:
    "(charge_id, invoice_id, user_id, credits, currency, stars, source) values ('charge', 'none', -1, 5, 'XTR', 5, 'update')",
  promos: "(code, credits) values ('promo', 5)",
  rebuilt_orders: "(order_id, epoch, mirrored) values ('zzzzzzzzzzzz', 1, '{}')",
  reclaims: "(order_id, generation, former_uid) values ('zzzzzzzzzzzz', 1, 'former')",
};

/** A row for a table that has none; nothing for one that has. */
export function sampleOf(table: string): string[] {
  const sample = samples[table];
  return sample === undefined ? [] : [`insert into ledger.${table} ${sample}`];
}

/** Takes away everything that could refuse a row of the table, but the one constraint, unique index or trigger. */
export function lonely(table: string, rule: string): string {
  return `do $$ declare other record; begin
    for other in select tgname from pg_trigger where tgrelid = 'ledger.${table}'::regclass and not tgisinternal and tgname <> '${rule}'
    loop execute format('alter table ledger.${table} disable trigger %I', other.tgname); end loop;
    for other in select conname from pg_constraint
      where conrelid = 'ledger.${table}'::regclass and contype in ('c', 'f', 'p', 'u', 'x') and conname <> '${rule}'
        -- A foreign key may point at a key of its own table.
        and not (contype in ('p', 'u') and exists (select from pg_constraint where conname = '${rule}' and contype = 'f' and conrelid = confrelid))
    loop execute format('alter table ledger.${table} drop constraint if exists %I cascade', other.conname); end loop;
    for other in select indexrelid::regclass as name from pg_index join pg_class on pg_class.oid = indexrelid
      where indrelid = 'ledger.${table}'::regclass and indisunique and relname <> '${rule}'
        and not exists (select from pg_constraint where conindid = indexrelid)
    loop execute format('drop index %s', other.name); end loop;
  end $$`;
}

/** A sample in the table, and after it only the one trigger awake: for what it says of changes. */
export function lonelyOverSample(table: string, trigger: string): string[] {
  const wake = `do $$ begin if exists (
      select from pg_trigger where tgrelid = 'ledger.${table}'::regclass and tgname = '${trigger}')
    then alter table ledger.${table} enable trigger ${trigger}; end if; end $$`;
  return [lonely(table, ''), ...sampleOf(table), wake];
}
