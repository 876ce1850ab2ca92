-- The first attempt of an order that was just admitted, and what its person hears of that.
create function ledger.open_first_attempt(the_order text) returns void
language plpgsql set search_path = ledger, pg_temp as $$
begin
  insert into attempts (order_id, n) values (the_order, 1);
  perform write_progress(the_order, 'preparing');
end $$;
