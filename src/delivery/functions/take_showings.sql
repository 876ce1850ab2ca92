-- Leases captured videos that their person can see now. The fence is raised, so that a pod's lease on them is over.
create function ledger.take_showings(owner text, number integer) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  due text;
  taken jsonb := '[]';
begin
  if standstill() is not null then return taken; end if;
  for due in
    select order_id from showable
    where (showing_until is null or showing_until <= at) and coalesce(showing_due_at, at) <= at
    order by asked_at nulls last, settled_at limit number
  loop
    perform from holds where order_id = due for no key update skip locked;
    continue when not found;
    update deliveries set fence = fence + 1, showing_owner = owner, showing_until = at + interval '60 seconds'
    where order_id = due and state in ('waiting', 'uncertain') and (showing_until is null or showing_until <= at);
    if found then taken := taken || showing_json(due); end if;
  end loop;
  return taken;
end $$;
grant execute on function ledger.take_showings to bot;
