-- Takes the lease of the order's live attempt for 60 s and raises the fence, so that whoever held it writes nothing any more.
create function ledger.lease_attempt(the_order text, uid text, execution integer, owner text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  at timestamptz := clock_timestamp();
  job executions;
  attempt attempts;
  because text;
begin
  select * into job from executions where order_id = the_order and stage = 'generation' and n = execution;
  select * into attempt from attempts where order_id = the_order and n = job.attempt_n;
  because := case
    when not exists (select from orders where order_id = the_order and claimed_by = uid) then 'the order is not claimed by this object'
    when hold.state <> 'held' then 'the order is settled'
    when job.n is null then 'there is no such execution'
    when job.ended_at is not null then 'the execution has ended'
    when attempt.state not in ('ready', 'intent', 'unknown', 'accepted') then 'the verdict is ' || attempt.state
    when execution < attempt.lease_execution then 'a later execution took over' end;
  if because is not null then return jsonb_build_object('outcome', 'over', 'because', because); end if;
  if execution = attempt.lease_execution and attempt.lease_owner is distinct from owner and attempt.lease_until > at then
    return jsonb_build_object('outcome', 'held', 'until', attempt.lease_until);
  end if;
  update attempts set
    -- A POST of somebody who lost the lease may be on its way.
    state = case when state = 'intent' and (lease_owner is distinct from owner or lease_until <= at) then 'unknown' else state end,
    fence = fence + fence_step(), lease_owner = owner, lease_execution = execution, lease_until = at + interval '60 seconds'
  where attempt_id = attempt.attempt_id returning * into attempt;
  update executions set leased_at = at
  where order_id = the_order and stage = 'generation' and n = execution and leased_at is null;
  return leased_attempt_json(attempt, at);
end $$;
grant execute on function ledger.lease_attempt to runner, controller;
