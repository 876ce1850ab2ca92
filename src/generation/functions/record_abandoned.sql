-- What became of an abandoned task. A late video is kept as evidence and counted as spend; it is never shown.
create function ledger.record_abandoned(the_attempt bigint, the_fence bigint, ending jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  attempt attempts;
  at timestamptz;
begin
  perform lock_hold_of_attempt(the_attempt);
  select * into attempt from attempts where attempt_id = the_attempt;
  at := clock_timestamp();
  if attempt.state is distinct from 'abandoned' or attempt.fence <> the_fence or attempt.followed is not null then return null; end if;
  case ending ->> 'kind'
    when 'running' then
      update attempts set lease_until = null, lease_owner = null,
        follow_due_at = at + least(interval '15 minutes', greatest(interval '1 minute', (at - ended_at) / 4))
      where attempt_id = the_attempt;
    when 'failed' then
      update attempts set lease_until = null, lease_owner = null, followed = 'failed', follow_due_at = null,
        failure_class = ending ->> 'failureClass'
      where attempt_id = the_attempt;
    when 'succeeded' then
      update attempts set lease_until = null, lease_owner = null, followed = 'succeeded', follow_due_at = null,
        video_key = ending #>> '{video,key}', video_sha256 = ending #>> '{video,sha256}',
        video_bytes = (ending #>> '{video,bytes}')::bigint, video_seconds = (ending #>> '{video,seconds}')::double precision,
        video_width = (ending #>> '{video,width}')::integer, video_height = (ending #>> '{video,height}')::integer
      where attempt_id = the_attempt;
  end case;
  return null;
end $$;
grant execute on function ledger.record_abandoned to controller;
