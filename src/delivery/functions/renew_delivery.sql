create function ledger.renew_delivery(the_order text, the_fence bigint) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
begin
  update deliveries set lease_until = clock_timestamp() + interval '60 seconds'
  where order_id = the_order and fence = the_fence and hold.state = 'held';
  return jsonb_build_object('held', found);
end $$;
grant execute on function ledger.renew_delivery to runner;
