-- Keeps what was answered. `accepted` is final and the first task id counts; an acceptance after a refusal is kept as evidence.
create function ledger.write_submit_answer(the_nonce text, the_answer jsonb) returns void
language sql set search_path = ledger, pg_temp as $$
  update submit_nonces set answer = the_answer ->> 'kind', answered_at = clock_timestamp(), task_id = the_answer ->> 'taskId'
  where nonce = the_nonce and answer is distinct from 'accepted'
    and (answer is distinct from 'refused' or the_answer ->> 'kind' = 'accepted')
$$;
