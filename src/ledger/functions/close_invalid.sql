-- The API server refused the object (422), or what it holds cannot be read. Nothing paid is given up for it.
create function ledger.close_invalid(hold ledger.holds) returns text
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if not is_cancellable(hold.order_id) then return 'a paid task may run or has made a video'; end if;
  perform end_generation(hold.order_id, 'InvalidSpec');
  return null;
end $$;
