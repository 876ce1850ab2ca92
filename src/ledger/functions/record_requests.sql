-- Adds what a runner asked of the outside. Sorted, so that two runners never wait for each other in a circle.
-- They become labels of metrics: there are never more than 300 of them, whatever a runner says.
create function ledger.record_requests(the_order text, uid text, the_stage text, execution integer, counts jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  if not exists (
    select from orders join executions using (order_id)
    where order_id = the_order and claimed_by = uid and stage = the_stage and n = execution) then return null; end if;
  insert into request_counts (target, operation, class, count)
  select said.target, said.operation, said.class, sum(least(said.count, 1000000))
  from jsonb_to_recordset(counts) as said (target text, operation text, class text, count bigint)
  where said.count > 0
    and (exists (
        select from request_counts as known
        where known.target = said.target and known.operation = said.operation and known.class = said.class)
      or (select count(*) from request_counts) + jsonb_array_length(counts) <= 300)
  group by 1, 2, 3 order by 1, 2, 3
  on conflict (target, operation, class) do update set count = request_counts.count + excluded.count;
  return null;
end $$;
grant execute on function ledger.record_requests to runner, controller;
