-- The end of a whole group: how many videos came, how many credits came back and why. `kept` are captured and not surely on the screen.
create function ledger.write_summary(the_group bigint) returns void
language sql set search_path = ledger, pg_temp as $$
  select write_notice((select order_id from orders where group_id = the_group and position = 1), 'summary', jsonb_build_object(
    'shown', count(*) filter (where state = 'captured' and reason = 'VideoDelivered'),
    'kept', count(*) filter (where state = 'captured' and reason <> 'VideoDelivered'),
    'charged', coalesce(sum(amount) filter (where state = 'captured'), 0),
    'returned', coalesce(sum(amount) filter (where state = 'released'), 0),
    'failures', (
      select coalesce(jsonb_agg(distinct jsonb_build_object('reason', fact ->> 'reason', 'failureClass', fact ->> 'failureClass')), '[]')
      from orders as failed join notices using (order_id) where failed.group_id = the_group and notices.kind = 'failed')))
  from orders join holds using (order_id) where group_id = the_group
$$;
