-- Commits the row of an execution before its Job is posted.
create function ledger.open_execution(the_order text, uid text, the_stage text, number integer, the_executor text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  found_row executions;
  because text;
  attempt_number integer;
begin
  select * into found_row from executions where order_id = the_order and stage = the_stage and n = number;
  if not exists (select from orders where order_id = the_order and claimed_by = uid) then
    because := 'the order is not claimed by this object';
  elsif hold.state <> 'held' then
    because := 'the order is settled';
  elsif found_row.n is not null then
    return jsonb_build_object('outcome', 'exists', 'n', number, 'executor', found_row.executor,
      'remainingSeconds', remaining_seconds(the_order, the_stage));
  elsif exists (select from executions where order_id = the_order and stage = the_stage and ended_at is null) then
    because := 'the previous execution has not ended';
  elsif number <> 1 + (select coalesce(max(n), 0) from executions where order_id = the_order and stage = the_stage) then
    because := 'it is not the next number';
  elsif exists (select from due_end(the_order, clock_timestamp()) as found_end where found_end.reason is not null) then
    because := 'the end of the order is due';
  elsif the_stage = 'generation' then
    select n into attempt_number from attempts
    where order_id = the_order and state in ('ready', 'intent', 'unknown', 'accepted');
    if not found then because := 'no attempt is live'; end if;
  elsif not exists (select from deliveries where order_id = the_order and state in ('pending', 'editing')) then
    because := 'there is nothing to deliver';
  end if;
  if because is not null then return jsonb_build_object('outcome', 'refused', 'because', because); end if;
  insert into executions (order_id, stage, n, executor, attempt_n)
  values (the_order, the_stage, number, the_executor, attempt_number);
  return jsonb_build_object('outcome', 'opened', 'n', number, 'executor', the_executor,
    'remainingSeconds', remaining_seconds(the_order, the_stage));
end $$;
grant execute on function ledger.open_execution to controller;
