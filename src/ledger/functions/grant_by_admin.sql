-- An operator's grant. Their own reference makes it idempotent; the same reference with other facts is an error, never a success.
create function ledger.grant_by_admin(the_user bigint, the_amount bigint, the_reference text, the_actor text, the_reason text,
  dry_run boolean) returns jsonb
language sql security definer set search_path = ledger, pg_temp as $$
  select credit_by_admin('grant', 'sys/grants', the_user, the_amount, the_reference, the_actor, the_reason, dry_run)
$$;
grant execute on function ledger.grant_by_admin to admin;
