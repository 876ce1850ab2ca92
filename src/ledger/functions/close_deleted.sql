-- The VideoJob is being deleted, or gone. A stored video stays the person's: captured, and shown by the bot.
create function ledger.close_deleted(hold ledger.holds, claimant text) returns text
language plpgsql set search_path = ledger, pg_temp as $$
declare
  why text;
begin
  if claimant is null then return 'nobody claimed the order, so its true object may still come'; end if;
  if not exists (select from deliveries where order_id = hold.order_id) then
    perform end_generation(hold.order_id, 'Deleted');
    return null;
  end if;
  why := (select reason from due_end(hold.order_id, clock_timestamp()));
  if why is not null then
    perform end_order(hold.order_id, why);
    return null;
  end if;
  update deliveries set state = 'waiting', showing_due_at = clock_timestamp() where order_id = hold.order_id;
  perform settle(hold.order_id, 'captured', 'Deleted');
  perform tell('neurocards_notices', hold.order_id);
  return null;
end $$;
