create function ledger.record_photo_url(the_attempt bigint, the_fence bigint, url text, expires_at timestamptz) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold_of_attempt(the_attempt);
  attempt attempts;
  because text;
begin
  select * into attempt from attempts where attempt_id = the_attempt;
  because := attempt_refusal(attempt, hold, 'ready', the_fence);
  if because is null then
    update attempts set photo_url = url, photo_url_until = expires_at where attempt_id = the_attempt;
  end if;
  return done_json(because);
end $$;
grant execute on function ledger.record_photo_url to runner, controller;
