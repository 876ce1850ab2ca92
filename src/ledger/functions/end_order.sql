-- Carries out the end that `due_end` found. The caller holds the hold's lock.
create function ledger.end_order(the_order text, why text) returns ledger.holds
language plpgsql set search_path = ledger, pg_temp as $$
declare
  delivery deliveries;
begin
  select * into delivery from deliveries where order_id = the_order;
  if not found then return end_generation(the_order, why); end if;
  if why = 'DeliveryUnconfirmed' then
    update deliveries set state = 'uncertain' where order_id = the_order;
    return settle(the_order, 'captured', why);
  end if;
  update deliveries set state = 'refused', refused_at = coalesce(refused_at, clock_timestamp())
  where order_id = the_order and state <> 'refused';
  return settle(the_order, 'released', why, delivery.failure_class);
end $$;
