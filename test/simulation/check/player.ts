/*
 * Functions that a test puts into a database of its own: they play a whole sequence of calls in one statement, each call with its
 * deferred rules, and tell all answers and all rows.
 */

export const PLAYER_SQL = `
create schema player;

-- Every instant of every row moves into the past; the statement is made once, from the columns there are.
do $make$ declare
  statements text;
begin
  select string_agg(format('update ledger.%I set %s;', table_name, changes), ' ') into statements from (
    select table_name, string_agg(format('%1$I = %1$I - make_interval(secs => passed)', column_name), ', ') as changes
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema = 'ledger' and data_type = 'timestamp with time zone' and table_type = 'BASE TABLE'
      and table_name in ('people', 'holds', 'orders', 'executions', 'submit_nonces', 'attempts', 'deliveries', 'delivery_edits',
        'notices', 'task_hints', 'order_changes', 'generation_times')
    group by table_name) as tables;
  execute format($body$
    create function player.pass(passed float8) returns void language plpgsql as $pass$ begin
      set local session_replication_role = 'replica';
      %s
      update ledger.pauses set during = tstzrange(lower(during) - make_interval(secs => passed), upper(during) - make_interval(secs => passed))
      where not isempty(during);
      update ledger.submit_tokens set taken = (select coalesce(array_agg(t - make_interval(secs => passed)), '{}') from unnest(taken) as t);
      set local session_replication_role = 'origin';
    end $pass$ $body$, statements);
end $make$;

create function player.argument(arg jsonb, answers jsonb) returns text language sql as $$
  select case jsonb_typeof(arg)
    when 'null' then 'null'
    when 'object' then case
      when arg ? 'ref' then coalesce(quote_literal(answers #>> (
        select array_agg(value order by ordinality) from jsonb_array_elements_text(arg -> 'ref') with ordinality)), 'null')
      when arg ? 'instant' then quote_literal((clock_timestamp() + make_interval(secs => (arg ->> 'instant')::float8))::text)
      else quote_literal(arg::text) end
    when 'array' then quote_literal(arg::text)
    else quote_literal(arg #>> '{}') end
$$;

-- Lists that may come in any order are put into one, so that a later step can name one of theirs.
create function player.in_order(answer jsonb) returns jsonb language sql as $$
  select case when jsonb_typeof(answer) = 'array' then (
    select coalesce(jsonb_agg(value order by coalesce(value ->> 'orderId', (value ->> 'nonce') || (value ->> 'taskId'), value #>> '{}') collate "C"), '[]') from jsonb_array_elements(answer))
  else answer end
$$;

create function player.state(whole boolean) returns jsonb language sql as $$
  select jsonb_build_object(
    'at', clock_timestamp(),
    'holds', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.holds t),
    'orders', (select coalesce(jsonb_agg(to_jsonb(t) || jsonb_build_object('changed_at', changed_at)), '[]')
      from ledger.orders t left join ledger.order_changes using (order_id)),
    'accounts', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.accounts t where user_id is not null),
    'transfers', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.transfers t where order_id is not null),
    'executions', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.executions t),
    'submitNonces', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.submit_nonces t),
    'attempts', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.attempts t),
    'deliveries', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.deliveries t),
    'edits', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.delivery_edits t),
    'hints', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.task_hints t),
    'notices', (select coalesce(jsonb_agg(to_jsonb(t) order by notice_id), '[]') from ledger.notices t),
    'people', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.people t),
    'violations', case when whole then (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ledger.violations t) else '[]' end)
$$;

create function player.play(steps jsonb, whole boolean) returns jsonb language plpgsql as $$
declare
  step jsonb;
  answers jsonb := '[]';
  instants jsonb := '[]';
  answer jsonb;
  args text;
  rule text;
begin
  for step in select value from jsonb_array_elements(steps) loop
    answer := null;
    instants := instants || to_jsonb(clock_timestamp());
    if step ? 'pass' then
      perform player.pass((step ->> 'pass')::float8);
    elsif step ? 'setting' then
      execute format('update ledger.settings set %I = $1', step ->> 'setting') using (step ->> 'value')::integer;
    else
      select string_agg(player.argument(value, answers), ', ' order by ordinality) into args
      from jsonb_array_elements(step -> 'args') with ordinality;
      begin
        execute format('select ledger.%I(%s)', step ->> 'fn', coalesce(args, '')) into answer;
        set constraints all immediate;
        set constraints all deferred;
      exception when others then
        get stacked diagnostics rule = constraint_name;
        answer := jsonb_build_object('refused', coalesce(nullif(rule, ''), sqlstate || ' ' || sqlerrm));
      end;
      answer := player.in_order(answer);
    end if;
    answers := answers || jsonb_build_array(answer);
  end loop;
  return jsonb_build_object('answers', answers, 'instants', instants, 'state', player.state(whole));
end $$;
`;
