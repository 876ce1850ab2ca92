create function ledger.close_forfeited(hold ledger.holds) returns text
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if exists (select from deliveries where order_id = hold.order_id) then
    return 'the video is stored: only its delivery decides now';
  end if;
  perform end_generation(hold.order_id, 'Cancelled');
  return null;
end $$;
