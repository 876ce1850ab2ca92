-- About once a minute the progress message tells anew how long it has taken, or which place in the queue it has.
-- From `succeeded` on the message belongs to delivery.
create function ledger.write_elapsed(at timestamptz) returns void
language sql set search_path = ledger, pg_temp as $$
  insert into notices (order_id, chat_id, kind, fact)
  select orders.order_id, orders.chat_id, 'progress',
    jsonb_build_object('stage', case when orders.admitted_at is null then 'queued' else 'generating' end)
  from holds join orders using (order_id)
  where holds.state = 'held' and orders.claimed_by is not null
    and not exists (select from deliveries where deliveries.order_id = orders.order_id)
    and (orders.admitted_at is null
      or exists (select from attempts where attempts.order_id = orders.order_id and attempts.state = 'accepted'))
    and not exists (
      select from notices as told
      where told.order_id = orders.order_id and told.kind = 'progress' and told.written_at > at - interval '55 seconds')
  order by orders.order_id
$$;
