-- The delivery stage is over at a refusal for good, at its deadline when enough executions ended, or at the hold's 24 h.
-- What comes of it is the edits' answer: one without an answer may be on the person's screen.
create function ledger.due_delivery_end(o ledger.orders, delivery ledger.deliveries, deadline timestamptz, hold_end timestamptz,
  at timestamptz, out reason text, out since timestamptz)
language plpgsql stable set search_path = ledger, pg_temp as $$
declare
  ended integer;
  last_ended timestamptz;
begin
  select count(*), max(ended_at) into ended, last_ended
  from executions where order_id = o.order_id and stage = 'delivery' and ended_at is not null;
  if delivery.refused_at is not null then
    since := delivery.refused_at;
  elsif deadline <= at and ended >= o.delivery_min_executions then
    since := greatest(deadline, last_ended);
  elsif hold_end <= at then
    since := hold_end;
  else
    return;
  end if;
  reason := case when edits_unanswered(o.order_id) > 0 then 'DeliveryUnconfirmed' else 'DeliveryFailed' end;
end $$;
