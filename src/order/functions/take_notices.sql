-- Leases due notices for 25 s: longer than sending one may take, shorter than a person waits when a bot was killed.
-- Per chat only the first one that is not sent, so that facts arrive in their order.
create function ledger.take_notices(owner text, number integer) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  taken bigint[];
begin
  -- What a database that forgot would tell may have been told already, or not be true any more.
  if standstill() = 'audit' then return '[]'; end if;
  perform drop_stale_notices(at);
  with first as (
    select distinct on (chat_id) notice_id from notices where ended_at is null order by chat_id, notice_id
  ), due as (
    select notice_id from notices join first using (notice_id)
    where ended_at is null and due_at <= at and (lease_until is null or lease_until < at)
    order by notice_id limit number for no key update of notices skip locked
  ), leased as (
    update notices set lease_owner = owner, lease_until = at + interval '25 seconds'
    from due where notices.notice_id = due.notice_id returning notices.notice_id
  )
  select array_agg(notice_id) into taken from leased;
  return (select coalesce(jsonb_agg(notice_json(notices) order by notice_id), '[]') from notices where notice_id = any (taken));
end $$;
grant execute on function ledger.take_notices to bot;
