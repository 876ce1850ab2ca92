-- Stops or resumes the clocks of a claimed order, but for the hold's 24 h.
create function ledger.set_suspended(the_order text, uid text, suspended boolean) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  is_suspended boolean := exists (
    select from pauses where order_id = the_order and cause = 'suspended' and upper_inf(during));
begin
  if hold.order_id is null or hold.state <> 'held' or is_suspended = suspended
    or not exists (select from orders where order_id = the_order and claimed_by = uid)
  then return null; end if;
  if suspended then
    insert into pauses (order_id, cause, during) values (the_order, 'suspended', tstzrange(clock_timestamp(), null));
  else
    update pauses set during = tstzrange(lower(during), greatest(clock_timestamp(), lower(during)))
    where order_id = the_order and cause = 'suspended' and upper_inf(during);
  end if;
  return null;
end $$;
grant execute on function ledger.set_suspended to controller;
