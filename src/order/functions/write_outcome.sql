-- What a person hears of an order's end, written by its settlement. An order by itself is told as a message of its own. Of a group
-- each failure is told in that order's progress message, the first video is announced, and the rest is said by one summary.
create function ledger.write_outcome(hold ledger.holds, failure text) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  the_group order_groups;
  others_open boolean;
begin
  select order_groups.* into the_group from orders join order_groups using (group_id) where orders.order_id = hold.order_id;
  -- No other order of the person is settled between this look and our commit: the settlement has moved their held credits before,
  -- so it holds the lock of that account. Of two last orders the second one sees the first.
  others_open := exists (
    select from orders join holds using (order_id) where orders.group_id = the_group.group_id and holds.state = 'held');
  if hold.state = 'released' then
    perform write_notice(hold.order_id, 'failed',
      jsonb_build_object('reason', hold.reason, 'failureClass', failure, 'returned', hold.amount));
  elsif hold.reason = 'DeliveryUnconfirmed' then
    perform write_notice(hold.order_id, 'unconfirmed', jsonb_build_object('credits', hold.amount));
  elsif hold.reason = 'VideoDelivered' and (the_group.count = 1 or others_open and not exists (
    select from orders join notices using (order_id) where orders.group_id = the_group.group_id and notices.kind = 'delivered'))
  then
    perform write_notice(hold.order_id, 'delivered', jsonb_build_object('credits', hold.amount, 'othersOpen', others_open));
  end if;
  if the_group.count > 1 and not others_open then perform write_summary(the_group.group_id); end if;
end $$;
