-- The instants at which the clocks of an order are due as things stand; null while a clock does not run.
create function ledger.clocks_of(the_order text,
  out queue timestamptz, out generation timestamptz, out further_task timestamptz, out delivery timestamptz, out hold timestamptz)
language plpgsql stable set search_path = ledger, pg_temp as $$
declare
  o orders;
  suspended boolean;
  first_task timestamptz;
  first_delivery timestamptz;
  stored boolean;
begin
  select * into o from orders where order_id = the_order;
  select held_at + interval '24 hours' into hold from holds where order_id = the_order;
  select exists (select from pauses where order_id = the_order and cause = 'suspended' and upper_inf(during)) into suspended;
  -- Suspension stops every clock but the hold's.
  if suspended then return; end if;
  select min(accepted_at), bool_or(state = 'succeeded') into first_task, stored from attempts where order_id = the_order;
  if o.admitted_at is null then
    queue := clock_end(the_order, o.placed_at, o.queue_seconds, false);
  elsif not coalesce(stored, false) then
    generation := clock_end(the_order, o.admitted_at, o.generation_seconds, false);
    further_task := clock_end(the_order, first_task, o.further_task_seconds, false);
  else
    select min(opened_at) into first_delivery from executions where order_id = the_order and stage = 'delivery';
    delivery := clock_end(the_order, first_delivery, o.delivery_seconds, true);
  end if;
end $$;
