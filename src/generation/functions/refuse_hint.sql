-- The provider's record does not name our address: the callback was not about this submit.
create function ledger.refuse_hint(the_nonce text, the_task text) returns jsonb
language sql security definer set search_path = ledger, pg_temp as $$
  update task_hints set verdict = 'foreign' where nonce = the_nonce and task_id = the_task and verdict is null;
  select null::jsonb
$$;
grant execute on function ledger.refuse_hint to controller;
