-- The instants at which the clocks of an order are due as things stand; null while a clock does not run.
create function ledger.clocks_of(the_order text,
  out queue timestamptz, out generation timestamptz, out further_task timestamptz, out delivery timestamptz, out hold timestamptz)
language plpgsql stable set search_path = ledger, pg_temp as $$
declare
  o record;
  first_delivery timestamptz;
begin
  select placed_at, queue_seconds, admitted_at, generation_seconds, further_task_seconds, delivery_seconds,
    held_at + interval '24 hours' as hold_end, first_task, stored, was_paused, is_suspended
  into o
  from orders join holds using (order_id) cross join (
      select min(accepted_at) as first_task, bool_or(state = 'succeeded') as stored from attempts where order_id = the_order
    ) as tasks cross join (
      select count(*) > 0 as was_paused, coalesce(bool_or(cause = 'suspended' and upper_inf(during)), false) as is_suspended
      from pauses where order_id = the_order
    ) as stops
  where order_id = the_order;
  hold := o.hold_end;
  -- Suspension stops every clock but the hold's.
  if o.is_suspended then return; end if;
  if o.admitted_at is null then
    queue := clock_end(the_order, o.placed_at, o.queue_seconds, false, o.was_paused);
  elsif not coalesce(o.stored, false) then
    generation := clock_end(the_order, o.admitted_at, o.generation_seconds, false, o.was_paused);
    further_task := clock_end(the_order, o.first_task, o.further_task_seconds, false, o.was_paused);
  else
    select min(opened_at) into first_delivery from executions where order_id = the_order and stage = 'delivery';
    delivery := clock_end(the_order, first_delivery, o.delivery_seconds, true, o.was_paused);
  end if;
end $$;
