-- An intent whose lease ran out has lost its maker: a task may run, and nobody submits again.
create function ledger.expire_intents() returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  expired record;
begin
  for expired in
    select attempt_id, order_id from attempts where state = 'intent' and lease_until < clock_timestamp() order by order_id
  loop
    perform from holds where order_id = expired.order_id for no key update skip locked;
    if found then
      update attempts set state = 'unknown'
      where attempt_id = expired.attempt_id and state = 'intent' and lease_until < clock_timestamp();
    end if;
  end loop;
end $$;
