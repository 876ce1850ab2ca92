-- A callback came for this nonce. Nonces that we never began with, or whose task is known, write nothing; and nobody fills the table.
create function ledger.note_callback(the_nonce text, the_task text) returns jsonb
language sql security definer set search_path = ledger, pg_temp as $$
  insert into task_hints (nonce, task_id)
  select nonce, the_task from submit_nonces
  where nonce = the_nonce and attempt_id is not null and answer is distinct from 'accepted'
    and (select count(*) from task_hints where task_hints.nonce = the_nonce and verdict is null) < 20
  on conflict do nothing;
  select null::jsonb
$$;
grant execute on function ledger.note_callback to bot;
