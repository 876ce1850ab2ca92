-- Cancels while nothing is paid. The caller holds the hold's lock and knows that the order is the person's.
create function ledger.cancel_locked(hold ledger.holds) returns jsonb
language plpgsql set search_path = ledger, pg_temp as $$
begin
  perform refuse_in_standstill('restarted');
  if hold.state <> 'held' then return jsonb_build_object('outcome', 'settled', 'settled', settled_json(hold)); end if;
  if not is_cancellable(hold.order_id) then return jsonb_build_object('outcome', 'too-late', 'settled', null); end if;
  return jsonb_build_object('outcome', 'cancelled', 'settled', settled_json(end_generation(hold.order_id, 'Cancelled')));
end $$;
