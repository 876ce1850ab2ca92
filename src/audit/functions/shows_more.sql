-- Whether the object shows anything that PostgreSQL does not know, or that leaves it open what was sent in the forgotten time: a prepared
-- task that a pod was at may have been submitted.
create function ledger.shows_more(the_order text, shown jsonb) returns boolean
language sql stable set search_path = ledger, pg_temp as $$
  select shown ->> 'outcome' is not null
    -- What the person wrote is lost with its rows, so that no new task can be made of a rebuilt order.
    or (shown ->> 'rebuilt')::boolean
    or (shown ->> 'attempts')::integer > (select count(*) from attempts where order_id = the_order)
    or (shown ->> 'executions')::integer > (select count(*) from executions where order_id = the_order and stage = 'generation')
    or (shown ->> 'taskId' is not null and not exists (
      select from attempts where order_id = the_order and task_id = shown ->> 'taskId'))
    or (exists (select from executions where order_id = the_order and stage = 'generation')
      and (select state from attempts where order_id = the_order order by n desc limit 1) in ('ready', 'intent'))
$$;
