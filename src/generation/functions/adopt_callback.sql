-- A callback named the task of this nonce, and the provider's own record echoed our address.
create function ledger.adopt_callback(the_nonce text, task_id text) returns jsonb
language sql security definer set search_path = ledger, pg_temp as $$
  select ledger.answer_submit(the_nonce, jsonb_build_object('kind', 'accepted', 'taskId', task_id))
$$;
grant execute on function ledger.adopt_callback to runner, controller, bot;
