-- Admits an order that was just claimed, when nobody waits before it and a slot is free.
create function ledger.admit_if_free(the_order text) returns boolean
language plpgsql set search_path = ledger, pg_temp as $$
begin
  perform lock_admission();
  if somebody_waits(the_order) or free_slots() < 1
    or (select reason from due_end(the_order, clock_timestamp())) is not null then return false; end if;
  perform admit(the_order);
  return true;
end $$;
