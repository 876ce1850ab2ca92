-- No hold lives over 24 h. What somebody else is at is left to the next call; by person, so that two of us never wait for each other's
-- accounts in a circle.
create function ledger.close_overdue_holds() returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds;
  closed text[] := '{}';
begin
  for hold in
    select * from holds where state = 'held' and held_at <= clock_timestamp() - interval '24 hours'
    order by user_id, order_id limit 100 for no key update skip locked
  loop
    if close_due(hold) is null then closed := closed || hold.order_id; end if;
  end loop;
  return to_jsonb(closed);
end $$;
grant execute on function ledger.close_overdue_holds to controller;
