-- The answer of a submit, by its nonce alone: whoever holds the lease by now, it is the truth about that POST.
create function ledger.answer_submit(the_nonce text, answer jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  used submit_nonces;
  attempt attempts;
begin
  select * into used from submit_nonces where nonce = the_nonce;
  if not found and answer ->> 'kind' = 'refused' then
    -- Its begin_submit may still be on its way to us, sent by somebody who gave it up: now it begins nothing.
    insert into submit_nonces (nonce) values (the_nonce) on conflict do nothing;
    select * into used from submit_nonces where nonce = the_nonce;
  end if;
  if used.nonce is null then return jsonb_build_object('state', 'unknown-nonce'); end if;
  -- Nothing began with it, so what was ready is as ready as before.
  if used.attempt_id is null then return jsonb_build_object('state', 'ready'); end if;
  perform lock_hold_of_attempt(used.attempt_id);
  select * into attempt from attempts where attempt_id = used.attempt_id;
  perform write_submit_answer(the_nonce, answer);
  if attempt.submit_nonce = the_nonce then
    case answer ->> 'kind'
      when 'accepted' then perform accept_task(attempt, the_nonce);
      when 'refused' then perform refuse_submit(attempt, answer);
      else update attempts set state = 'unknown' where attempt_id = attempt.attempt_id and state = 'intent';
    end case;
  end if;
  return (select jsonb_build_object('state', state) from attempts where attempt_id = attempt.attempt_id);
end $$;
grant execute on function ledger.answer_submit to runner, controller;
