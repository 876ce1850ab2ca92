-- Gives an order its slot and its first attempt, ready. The caller holds the hold's lock and the admission lock.
create function ledger.admit(the_order text) returns void
language plpgsql set search_path = ledger, pg_temp as $$
begin
  update orders set admitted_at = clock_timestamp() where order_id = the_order;
  perform open_first_attempt(the_order);
end $$;
