-- The settlement that the object shows, in the rows that it must have had. The person was told of it then.
create function ledger.catch_up_settlement(the_order text, shown jsonb) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  why text := shown ->> 'reason';
begin
  if shown ->> 'outcome' = 'captured' then
    perform catch_up_capture(the_order, why, shown -> 'video');
  elsif exists (select from deliveries where order_id = the_order) then
    -- Released means that every edit was refused.
    update delivery_edits set answer = 'refused', meaning = 'final', answered_at = clock_timestamp()
    where order_id = the_order and answer is distinct from 'refused';
    update deliveries set state = 'refused', refused_at = coalesce(refused_at, clock_timestamp()) where order_id = the_order;
    perform settle(the_order, 'released', why);
  else
    perform end_generation(the_order, why);
  end if;
  update notices set ended_at = clock_timestamp(), ending = 'dropped' where order_id = the_order and ended_at is null;
end $$;
