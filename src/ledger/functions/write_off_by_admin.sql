-- Credits that a person had and the books lost, given back by an operator: after a restore of an older database, for example.
create function ledger.write_off_by_admin(the_user bigint, the_amount bigint, the_reference text, the_actor text, the_reason text,
  dry_run boolean) returns jsonb
language sql security definer set search_path = ledger, pg_temp as $$
  select credit_by_admin('writeoff', 'sys/writeoff', the_user, the_amount, the_reference, the_actor, the_reason, dry_run)
$$;
grant execute on function ledger.write_off_by_admin to admin;
