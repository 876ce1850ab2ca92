-- Adds what a runner asked of the outside. Sorted, so that two runners never wait for each other in a circle.
create function ledger.record_requests(the_order text, uid text, the_stage text, execution integer, counts jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  if not exists (
    select from orders join executions using (order_id)
    where order_id = the_order and claimed_by = uid and stage = the_stage and n = execution) then return null; end if;
  insert into request_counts (target, operation, class, count)
  select item ->> 'target', item ->> 'operation', item ->> 'class', sum((item ->> 'count')::bigint)
  from jsonb_array_elements(counts) as item
  where (item ->> 'count')::bigint > 0
  group by 1, 2, 3 order by 1, 2, 3
  on conflict (target, operation, class) do update set count = request_counts.count + excluded.count;
  return null;
end $$;
grant execute on function ledger.record_requests to runner, controller;
