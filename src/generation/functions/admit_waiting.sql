-- Admits waiting orders up to the limit. An order that somebody holds at this moment is passed over until the next call:
-- waiting for it here, with the admission lock held, could be waiting in a circle.
create function ledger.admit_waiting() returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  next_order text;
  passed text[] := '{}';
  admitted text[] := '{}';
begin
  perform lock_admission();
  while free_slots() > 0 loop
    select order_id into next_order from waiting_orders() where not order_id = any (passed) order by turn limit 1;
    exit when not found;
    passed := passed || next_order;
    perform from holds where order_id = next_order and state = 'held' for no key update skip locked;
    if found
      and exists (select from waiting_orders() where order_id = next_order)
      and (select reason from due_end(next_order, clock_timestamp())) is null
    then
      perform admit(next_order);
      admitted := admitted || next_order;
    end if;
  end loop;
  return jsonb_build_object('admitted', to_jsonb(admitted), 'waiting', (select count(*) from waiting_orders()));
end $$;
grant execute on function ledger.admit_waiting to controller;
