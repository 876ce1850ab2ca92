-- Hints that are due for a look at the provider's record: at once, then ever more slowly, for a day.
create function ledger.take_hints(number integer) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  taken jsonb;
begin
  with due as (
    select nonce, task_id from task_hints
    where verdict is null and due_at <= at and noted_at > at - interval '24 hours'
    order by due_at limit number for no key update skip locked
  ), looked as (
    update task_hints set tries = tries + 1, due_at = at + make_interval(secs => least(900, 5 * power(2, least(tries, 10))))
    from due where task_hints.nonce = due.nonce and task_hints.task_id = due.task_id
    returning task_hints.nonce, task_hints.task_id
  )
  select jsonb_agg(jsonb_build_object('nonce', nonce, 'taskId', task_id)) into taken from looked;
  return coalesce(taken, '[]');
end $$;
grant execute on function ledger.take_hints to controller;
