create function ledger.end_notice(the_notice bigint, the_ending text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  update notices set ended_at = clock_timestamp(), ending = the_ending where notice_id = the_notice and ended_at is null;
  if found and the_ending = 'unreachable' then
    update people set unreachable_since = clock_timestamp()
    where unreachable_since is null and user_id = (
      select user_id from orders join notices using (order_id) where notice_id = the_notice);
  end if;
  return null;
end $$;
grant execute on function ledger.end_notice to bot;
