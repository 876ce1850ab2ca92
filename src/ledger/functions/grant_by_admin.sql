-- An operator's grant. Their own reference makes it idempotent; the same reference with other facts is an error, never a success.
create function ledger.grant_by_admin(the_user bigint, the_amount bigint, audit_id text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  booked transfers;
  made boolean;
begin
  if not exists (select from people where user_id = the_user) then
    return jsonb_build_object('outcome', 'unknown-person', 'available', 0);
  end if;
  insert into transfers (idempotency_key, kind, user_id, debit, credit, amount)
  values ('admin:' || audit_id, 'grant', the_user, 'sys/grants', 'user/' || the_user || '/available', the_amount)
  on conflict (idempotency_key) do nothing;
  made := found;
  select * into booked from transfers where idempotency_key = 'admin:' || audit_id;
  if (booked.user_id, booked.amount) is distinct from (the_user, the_amount) then
    raise exception using errcode = 'unique_violation', constraint = 'grant_key_reused', schema = 'ledger',
      message = format('grant_key_reused: the reference %s was used for another grant', audit_id);
  end if;
  return jsonb_build_object('outcome', case when made then 'granted' else 'exists' end, 'available', available_credits(the_user));
end $$;
grant execute on function ledger.grant_by_admin to admin;
