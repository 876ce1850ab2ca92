-- Nothing paid runs, may run, or has made a video; and nothing of the kind may have been forgotten.
create function ledger.is_cancellable(the_order text) returns boolean
language sql stable set search_path = ledger, pg_temp as $$
  select standstill() is distinct from 'audit' and not exists (
    select from attempts where order_id = the_order and state in ('intent', 'unknown', 'accepted', 'succeeded'))
$$;
