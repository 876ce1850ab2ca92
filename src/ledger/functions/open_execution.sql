-- Commits the row of an execution before its Job is posted.
create function ledger.open_execution(the_order text, uid text, the_stage text, number integer, the_executor text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  found_row record;
  because text;
begin
  select claimed_by, executor, latest, is_open, attempt_number,
    exists (select from deliveries where order_id = the_order and state in ('pending', 'editing')) as deliverable
  into found_row
  from orders cross join (
      select max(executor) filter (where n = number) as executor, coalesce(max(n), 0) as latest, bool_or(ended_at is null) as is_open
      from executions where order_id = the_order and stage = the_stage
    ) as earlier left join (
      select n as attempt_number from attempts where order_id = the_order and state in ('ready', 'intent', 'unknown', 'accepted')
    ) as live on true
  where order_id = the_order;
  if found_row.claimed_by is distinct from uid or uid is null then
    because := 'the order is not claimed by this object';
  elsif hold.state <> 'held' then
    because := 'the order is settled';
  elsif found_row.executor is not null then
    return jsonb_build_object('outcome', 'exists', 'n', number, 'executor', found_row.executor,
      'remainingSeconds', remaining_seconds(the_order, the_stage));
  elsif found_row.is_open then
    because := 'the previous execution has not ended';
  elsif number <> 1 + found_row.latest then
    because := 'it is not the next number';
  elsif (select reason from due_end(the_order, clock_timestamp())) is not null then
    because := 'the end of the order is due';
  elsif the_stage = 'generation' then
    if found_row.attempt_number is null then because := 'no attempt is live'; end if;
  elsif not found_row.deliverable then
    because := 'there is nothing to deliver';
  end if;
  if because is not null then return jsonb_build_object('outcome', 'refused', 'because', because); end if;
  insert into executions (order_id, stage, n, executor, attempt_n)
  values (the_order, the_stage, number, the_executor, case the_stage when 'generation' then found_row.attempt_number end);
  return jsonb_build_object('outcome', 'opened', 'n', number, 'executor', the_executor,
    'remainingSeconds', remaining_seconds(the_order, the_stage));
end $$;
grant execute on function ledger.open_execution to controller;
