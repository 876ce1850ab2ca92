-- The same first lock, for a function that is told an attempt.
create function ledger.lock_hold_of_attempt(the_attempt bigint) returns ledger.holds
language plpgsql set search_path = ledger, pg_temp as $$
declare
  hold holds;
begin
  select * into hold from holds
  where order_id = (select order_id from attempts where attempt_id = the_attempt) for no key update;
  return hold;
end $$;
