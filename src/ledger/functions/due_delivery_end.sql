-- The delivery stage is over at a refusal for good, at its deadline when enough executions ended, or at the hold's 24 h.
-- What comes of it is the edits' answer: one without an answer may be on the person's screen.
create function ledger.due_delivery_end(the_order text, hold_end timestamptz, was_paused boolean, is_suspended boolean, at timestamptz,
  out reason text, out since timestamptz)
language plpgsql stable set search_path = ledger, pg_temp as $$
declare
  facts record;
  deadline timestamptz;
begin
  select refused_at, delivery_seconds, delivery_min_executions, first_opened, ended, last_ended into facts
  from orders join deliveries using (order_id) cross join (
    select min(opened_at) as first_opened, count(ended_at) as ended, max(ended_at) as last_ended
    from executions where order_id = the_order and stage = 'delivery'
  ) as runs
  where order_id = the_order;
  if not is_suspended then
    deadline := clock_end(the_order, facts.first_opened, facts.delivery_seconds, true, was_paused);
  end if;
  if facts.refused_at is not null then
    since := facts.refused_at;
  elsif deadline <= at and facts.ended >= facts.delivery_min_executions then
    since := greatest(deadline, facts.last_ended);
  elsif hold_end <= at then
    since := hold_end;
  else
    return;
  end if;
  reason := case when edits_unanswered(the_order) > 0 then 'DeliveryUnconfirmed' else 'DeliveryFailed' end;
end $$;
