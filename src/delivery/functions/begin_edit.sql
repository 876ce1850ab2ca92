-- Commits before every edit by a pod. While it is without a definite answer, the credits cannot go back.
-- Asked again with the same nonce and fence (the first answer was lost), it answers the same: the edit it allows is the one in the row.
create function ledger.begin_edit(the_order text, the_fence bigint, the_nonce text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  at timestamptz := clock_timestamp();
  delivery deliveries;
  because text;
begin
  select * into delivery from deliveries where order_id = the_order;
  because := case
    when hold.order_id is null or delivery.order_id is null then 'there is nothing to deliver'
    when hold.state <> 'held' then 'the order is settled'
    when delivery.fence <> the_fence then 'the lease was taken'
    when coalesce(delivery.lease_until, '-infinity') <= at then 'the lease ran out'
    when delivery.state not in ('pending', 'editing') then 'the delivery is ' || delivery.state
    when delivery.not_before > at then 'it is not to begin yet'
    when (select reason from due_end(the_order, at)) is not null then 'the end of the order is due' end;
  if because is null and exists (
    select from delivery_edits
    where nonce = the_nonce and order_id = the_order and fence = the_fence and kind = 'edit' and answer is null)
  then return done_json(null); end if;
  insert into delivery_edits (nonce, order_id, kind, fence)
  select the_nonce, case when because is null then the_order end, case when because is null then 'edit' else 'void' end, the_fence
  on conflict (nonce) do nothing;
  if not found then because := coalesce(because, 'the nonce was used before'); end if;
  if because is null then update deliveries set state = 'editing' where order_id = the_order and state = 'pending'; end if;
  return done_json(because);
end $$;
grant execute on function ledger.begin_edit to runner;
