-- What could not be told to somebody who was seen since it was taken: they are back. How an order ended is told them again then, at
-- once; whoever is marked as unreachable is told when they are seen next (register_person).
create function ledger.end_notice(the_notice bigint, the_ending text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  person people;
  notice notices;
begin
  if the_ending = 'unreachable' then
    -- Before the notice, as register_person has them.
    select people.* into person from notices join orders using (order_id) join people using (user_id)
    where notice_id = the_notice for no key update of people;
  end if;
  select * into notice from notices where notice_id = the_notice and ended_at is null for no key update;
  if not found then return null; end if;
  if the_ending = 'unreachable' and person.seen_at > coalesce(notice.lease_until - interval '25 seconds', at) then
    if notice.kind in ('failed', 'summary') then
      update notices set due_at = at, lease_owner = null, lease_until = null where notice_id = the_notice;
      return null;
    end if;
  elsif the_ending = 'unreachable' then
    update people set unreachable_since = at where user_id = person.user_id and unreachable_since is null;
  end if;
  update notices set ended_at = at, ending = the_ending where notice_id = the_notice;
  return null;
end $$;
grant execute on function ledger.end_notice to bot;
