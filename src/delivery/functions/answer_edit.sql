-- The answer to exactly the edit begun with this nonce: a later refusal says nothing about an earlier edit.
create function ledger.answer_edit(the_nonce text, the_answer jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_edit(the_nonce);
  edit delivery_edits;
begin
  select * into edit from delivery_edits where nonce = the_nonce;
  if edit.kind = 'void' then return done_json('nothing was begun with this nonce'); end if;
  if edit.answer in ('shown', 'refused') then
    return done_json(case when edit.answer is distinct from the_answer ->> 'kind' then 'the edit was answered before' end);
  end if;
  update delivery_edits set answer = the_answer ->> 'kind', answered_at = clock_timestamp(),
    failure_class = the_answer ->> 'failureClass', meaning = the_answer ->> 'meaning'
  where nonce = the_nonce returning * into edit;
  if edit.answer = 'refused' then
    if edit.meaning = 'unreachable' then
      -- Whoever was seen since this edit was begun is back, and nothing else would tell us: the bot tries at once.
      update people set unreachable_since = clock_timestamp()
      where user_id = hold.user_id and unreachable_since is null and seen_at <= edit.begun_at;
    end if;
    if edit.kind = 'edit' and hold.state = 'held' then
      perform refuse_edit(edit, (the_answer ->> 'retryAfterSeconds')::double precision);
    elsif edit.kind = 'showing' then
      perform put_off_showing(edit, (the_answer ->> 'retryAfterSeconds')::double precision);
    end if;
  end if;
  return done_json(null);
end $$;
grant execute on function ledger.answer_edit to runner, bot;
