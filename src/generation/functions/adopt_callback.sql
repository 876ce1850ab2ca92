-- A callback named the task of this nonce, and the provider's own record echoed our address to who holds its key.
create function ledger.adopt_callback(the_nonce text, the_task text) returns jsonb
language sql security definer set search_path = ledger, pg_temp as $$
  update task_hints set verdict = 'ours' where nonce = the_nonce and task_id = the_task;
  select ledger.answer_submit(the_nonce, jsonb_build_object('kind', 'accepted', 'taskId', the_task))
$$;
grant execute on function ledger.adopt_callback to controller;
