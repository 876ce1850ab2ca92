create function ledger.end_execution(the_order text, uid text, the_stage text, number integer, cause text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  perform lock_hold(the_order);
  if exists (select from orders where order_id = the_order and claimed_by = uid) then
    update executions set ended_at = clock_timestamp(), end_cause = cause
    where order_id = the_order and stage = the_stage and n = number and ended_at is null;
  end if;
  return null;
end $$;
grant execute on function ledger.end_execution to controller;
