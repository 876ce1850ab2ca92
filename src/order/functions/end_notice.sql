create function ledger.end_notice(the_notice bigint, the_ending text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  notice notices;
begin
  update notices set ended_at = clock_timestamp(), ending = the_ending where notice_id = the_notice and ended_at is null
  returning * into notice;
  if found and the_ending = 'unreachable' then
    -- Whoever was seen since the notice was taken is back.
    update people set unreachable_since = clock_timestamp()
    where unreachable_since is null and seen_at <= coalesce(notice.lease_until - interval '25 seconds', clock_timestamp())
      and user_id = (select user_id from orders where order_id = notice.order_id);
  end if;
  return null;
end $$;
grant execute on function ledger.end_notice to bot;
