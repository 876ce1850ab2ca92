-- The end that an open order has come to by itself: why, and since when. Null while it has to go on.
-- The rules of every verdict and of every clock are here, so that no caller's belief counts.
create function ledger.due_end(the_order text, at timestamptz, out reason text, out since timestamptz)
language plpgsql stable set search_path = ledger, pg_temp as $$
declare
  o orders;
  delivery deliveries;
  attempt attempts;
  clocks record;
  leased integer;
  open_leased boolean;
  last_ended timestamptz;
begin
  if not exists (select from holds where order_id = the_order and state = 'held') then return; end if;
  select * into o from orders where order_id = the_order;
  select * into clocks from clocks_of(the_order);
  select * into delivery from deliveries where order_id = the_order;
  if found then
    select * into reason, since from due_delivery_end(o, delivery, clocks.delivery, clocks.hold, at);
    return;
  end if;
  if o.admitted_at is null then
    since := least(clocks.queue, clocks.hold);
    if since <= at then reason := 'WaitedTooLong'; else since := null; end if;
    return;
  end if;

  select * into attempt from attempts where order_id = the_order order by n desc limit 1;
  if attempt.state in ('failed', 'rejected') and not another_allowed(attempt.attempt_id, at) then
    reason := (select case when fault = 'user' then failure_classes.reason end from failure_classes where class = attempt.failure_class);
    reason := coalesce(reason, 'GenerationFailed');
    since := attempt.ended_at;
    return;
  end if;
  -- No further paid task may begin, so a task that was only prepared never will.
  if attempt.state = 'ready' and clocks.further_task <= at then
    reason := 'GenerationFailed';
    since := clocks.further_task;
    return;
  end if;
  select count(*), coalesce(bool_or(ended_at is null), false), max(ended_at) into leased, open_leased, last_ended
  from executions
  where order_id = the_order and stage = 'generation' and attempt_n = attempt.n and leased_at is not null;
  if attempt.state in ('ready', 'intent', 'unknown', 'accepted') and leased >= 5 and not open_leased then
    reason := 'GenerationFailed';
    since := last_ended;
    return;
  end if;
  since := least(clocks.generation, clocks.hold);
  if since > at then
    since := null;
    return;
  end if;
  reason := case
    when attempt.state in ('failed', 'rejected') or attempt.state = 'ready' and attempt.n > 1 then 'GenerationFailed'
    when attempt.state in ('intent', 'unknown') then 'ProviderOutcomeUnknown'
    when attempt.state = 'accepted' then 'GenerationDeadlineExceeded'
    when leased = 0 then 'PodStartFailed'
    else 'ProviderUnavailable' end;
end $$;
