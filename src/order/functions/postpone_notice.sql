create function ledger.postpone_notice(the_notice bigint, seconds double precision) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  update notices set due_at = clock_timestamp() + make_interval(secs => greatest(0, least(seconds, 86400))), lease_owner = null, lease_until = null
  where notice_id = the_notice and ended_at is null;
  return null;
end $$;
grant execute on function ledger.postpone_notice to bot;
