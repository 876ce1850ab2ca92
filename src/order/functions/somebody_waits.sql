-- Whether a claimed order other than this one waits for admission. Asked at every claim under the admission lock: nobody is ranked for it.
create function ledger.somebody_waits(but_not text) returns boolean
language sql stable set search_path = ledger, pg_temp as $$
  select exists (
    select from holds join orders using (order_id)
    where holds.state = 'held' and orders.claimed_by is not null and orders.admitted_at is null and orders.order_id <> but_not
      and not exists (
        select from pauses where pauses.order_id = orders.order_id and cause = 'suspended' and upper_inf(during)))
$$;
