-- `accepted -> succeeded`: the file is checked and stored. The point of no return; from here on only delivery decides.
create function ledger.succeed_attempt(the_attempt bigint, the_fence bigint, video jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold_of_attempt(the_attempt);
  attempt attempts;
  because text;
begin
  select * into attempt from attempts where attempt_id = the_attempt;
  if attempt.state = 'succeeded' and attempt.fence = the_fence and attempt.video_sha256 = video ->> 'sha256' then
    return done_json(null);
  end if;
  because := coalesce(attempt_refusal(attempt, hold, 'accepted', the_fence),
    case when (select reason from due_end(attempt.order_id, clock_timestamp())) is not null then 'the end of the order is due' end);
  if because is null then
    update attempts set state = 'succeeded', ended_at = clock_timestamp(), video_key = video ->> 'key', video_sha256 = video ->> 'sha256',
      video_bytes = (video ->> 'bytes')::bigint, video_seconds = (video ->> 'seconds')::double precision,
      video_width = (video ->> 'width')::integer, video_height = (video ->> 'height')::integer
    where attempt_id = the_attempt;
    insert into deliveries (order_id) values (attempt.order_id);
  end if;
  return done_json(because);
end $$;
grant execute on function ledger.succeed_attempt to runner, controller;
