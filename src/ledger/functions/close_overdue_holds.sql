-- Carries out the ends that are due and that nobody carried out: no object claimed the order and no bot is there to close it, its
-- object is gone, is not the claimant or cannot be read. So no clock is forgotten, and no hold lives over 24 h.
-- What somebody else is at is left to the next call; by person, so that two of us never wait for each other's accounts in a circle.
create function ledger.close_overdue_holds() returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  overdue text;
  hold holds;
  closed text[] := '{}';
begin
  if standstill() is not null then return '[]'; end if;
  for overdue in
    select order_id from holds cross join lateral due_end(order_id, at) as due
    -- Whoever looks after the order has the first word.
    where state = 'held' and due.reason is not null and due.since <= at - interval '20 seconds'
    order by user_id, order_id limit 100
  loop
    begin
      select * into hold from holds where order_id = overdue and state = 'held' for no key update skip locked;
      if found and close_due(hold) is null then closed := closed || overdue; end if;
    exception when others then
      -- One order that cannot be closed must not keep the credits of others; it stays overdue, and the alert names its age.
      raise warning 'order % was not closed: %', overdue, sqlerrm;
    end;
  end loop;
  return to_jsonb(closed);
end $$;
grant execute on function ledger.close_overdue_holds to controller;
