-- A callback came for this nonce. Nonces that we never began with, or news of the task we know, write nothing; and nobody fills the table.
-- Another task than the one we know is looked at too: if it is ours, the provider made two of one submit.
create function ledger.note_callback(the_nonce text, the_task text) returns jsonb
language sql security definer set search_path = ledger, pg_temp as $$
  insert into task_hints (nonce, task_id)
  select nonce, the_task from submit_nonces
  where nonce = the_nonce and attempt_id is not null and task_id is distinct from the_task
    and (select count(*) from task_hints where task_hints.nonce = the_nonce and verdict is null) < 20
  on conflict do nothing;
  select null::jsonb
$$;
grant execute on function ledger.note_callback to bot;
