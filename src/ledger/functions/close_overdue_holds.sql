-- No hold lives over 24 h. One order is locked at a time and only if nobody else is at it; the next call finds the rest.
create function ledger.close_overdue_holds() returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds;
  closed text[] := '{}';
begin
  for hold in
    select * from holds where state = 'held' and held_at <= clock_timestamp() - interval '24 hours'
    order by held_at limit 100 for no key update skip locked
  loop
    if close_due(hold) is null then closed := closed || hold.order_id; end if;
  end loop;
  return to_jsonb(closed);
end $$;
grant execute on function ledger.close_overdue_holds to controller;
