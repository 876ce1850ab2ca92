-- Consent to a version of the terms; the welcome grant is booked once per person, whatever is called how often.
create function ledger.record_consent(the_user bigint, version text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  welcome bigint := (select welcome_credits from settings);
  granted bigint := 0;
begin
  update people set consented_at = clock_timestamp(), consent_version = version
  where user_id = the_user and consent_version is distinct from version;
  if not exists (select from people where user_id = the_user) then
    perform refuse('consent_of_known_person', the_user::text);
  end if;
  if welcome > 0 and exists (select from people where user_id = the_user and banned_at is null) then
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount)
    values ('welcome:' || the_user, 'welcome', the_user, 'sys/grants', 'user/' || the_user || '/available', welcome, welcome)
    on conflict (idempotency_key) do nothing;
    if found then granted := welcome; end if;
  end if;
  return jsonb_build_object('granted', granted, 'available', available_credits(the_user));
end $$;
grant execute on function ledger.record_consent to bot;
