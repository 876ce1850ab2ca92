-- The end that an open order has come to by itself: why, and since when. Null while it has to go on.
-- The rules of every verdict and of every clock are here, so that no caller's belief counts. Asked before nearly every step, so it
-- looks once at what shows that nothing is due, and at the rest only otherwise.
create function ledger.due_end(the_order text, at timestamptz, out reason text, out since timestamptz)
language plpgsql stable set search_path = ledger, pg_temp as $$
declare
  o record;
  stops record;
  generation_end timestamptz;
  further_task timestamptz;
  leased integer;
  open_leased boolean;
  last_ended timestamptz;
begin
  select held_at + interval '24 hours' as hold_end, placed_at, queue_seconds, admitted_at, generation_seconds, further_task_seconds,
    deliveries.order_id is not null as stored, opened_at, refused_at, delivery_seconds,
    attempts.attempt_id, attempts.n, attempts.state, attempts.ended_at, attempts.failure_class, attempts.lease_execution
  into o
  from holds join orders using (order_id) left join deliveries using (order_id) left join lateral (
      select attempt_id, n, state, ended_at, failure_class, lease_execution from attempts
      where order_id = the_order order by n desc limit 1
    ) as attempts on true
  where holds.order_id = the_order and holds.state = 'held';
  -- A pause only puts the end of a clock off, so before the earliest one nothing is due. An execution that leased the attempt has a number
  -- up to that of the last one that did.
  if not found or o.hold_end > at and (case
    when o.stored then o.refused_at is null and o.opened_at + make_interval(secs => o.delivery_seconds) > at
    when o.admitted_at is null then o.placed_at + make_interval(secs => o.queue_seconds) > at
    else o.state in ('ready', 'intent', 'unknown', 'accepted') and o.lease_execution < 5
      and o.admitted_at + make_interval(secs => least(o.generation_seconds, o.further_task_seconds)) > at end)
  then return; end if;
  select count(*) > 0 as were, coalesce(bool_or(cause = 'suspended' and upper_inf(during)), false) as are_now into stops
  from pauses where order_id = the_order;
  if o.stored then
    select * into reason, since from due_delivery_end(the_order, o.hold_end, stops.were, stops.are_now, at);
    return;
  end if;
  if o.admitted_at is null then
    since := o.hold_end;
    if not stops.are_now then
      since := least(clock_end(the_order, o.placed_at, o.queue_seconds, false, stops.were), o.hold_end);
    end if;
    if since <= at then reason := 'WaitedTooLong'; else since := null; end if;
    return;
  end if;

  if o.state in ('failed', 'rejected') and not another_allowed(o.attempt_id, at) then
    reason := (select case when fault = 'user' then failure_classes.reason end from failure_classes where class = o.failure_class);
    reason := coalesce(reason, 'GenerationFailed');
    since := o.ended_at;
    return;
  end if;
  -- No further paid task may begin, so a task that was only prepared never will.
  if o.state = 'ready' and o.n > 1 and not stops.are_now then
    further_task := clock_end(the_order, (select min(accepted_at) from attempts where order_id = the_order),
      o.further_task_seconds, false, stops.were);
    if further_task <= at then
      reason := 'GenerationFailed';
      since := further_task;
      return;
    end if;
  end if;
  since := o.hold_end;
  if not stops.are_now then
    generation_end := clock_end(the_order, o.admitted_at, o.generation_seconds, false, stops.were);
    since := least(generation_end, o.hold_end);
  end if;
  select count(*), coalesce(bool_or(ended_at is null), false), max(ended_at) into leased, open_leased, last_ended
  from executions
  where order_id = the_order and stage = 'generation' and attempt_n = o.n and leased_at is not null;
  if o.state in ('ready', 'intent', 'unknown', 'accepted') and leased >= 5 and not open_leased then
    reason := 'GenerationFailed';
    since := last_ended;
    return;
  end if;
  if since > at then
    since := null;
    return;
  end if;
  reason := case
    when o.state in ('failed', 'rejected') or o.state = 'ready' and o.n > 1 then 'GenerationFailed'
    when o.state in ('intent', 'unknown') then 'ProviderOutcomeUnknown'
    when o.state = 'accepted' then 'GenerationDeadlineExceeded'
    when leased = 0 then 'PodStartFailed'
    else 'ProviderUnavailable' end;
end $$;
