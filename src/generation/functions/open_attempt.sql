-- Opens the next attempt after a confirmed failure, ready and not before a while that grows with the failures.
create function ledger.open_attempt(the_order text, uid text, number integer) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  at timestamptz := clock_timestamp();
  latest attempts;
  because text;
begin
  select * into latest from attempts where order_id = the_order order by n desc limit 1;
  because := case
    when not exists (select from orders where order_id = the_order and claimed_by = uid) then 'the order is not claimed by this object'
    when hold.state <> 'held' then 'the order is settled'
    when latest.n is null then 'the order is not admitted'
    when number <> latest.n + 1 then 'it is not the next number'
    when not another_allowed(latest.attempt_id, at) then 'no other attempt is allowed' end;
  if because is null then
    insert into attempts (order_id, n, not_before)
    values (the_order, number, at + make_interval(secs => least(60, 5 * power(2, number - 2))));
  end if;
  return jsonb_build_object('opened', because is null, 'because', because);
end $$;
grant execute on function ledger.open_attempt to controller;
