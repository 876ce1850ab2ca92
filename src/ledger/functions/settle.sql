-- Moves the credits and writes what the person is told. The caller holds the hold's lock and has moved attempt and delivery before;
-- the tables refuse an end that does not fit them.
create function ledger.settle(the_order text, outcome text, why text, failure text default null) returns ledger.holds
language plpgsql set search_path = ledger, pg_temp as $$
declare
  hold holds;
begin
  update holds set state = outcome, reason = why, settled_at = clock_timestamp()
  where order_id = the_order and state = 'held' returning * into hold;
  if not found then perform refuse('hold_settled_once', the_order); end if;
  insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, order_id)
  values ('settle:' || the_order, case outcome when 'captured' then 'capture' else 'release' end, hold.user_id,
    'user/' || hold.user_id || '/held',
    case outcome when 'captured' then 'sys/revenue' else 'user/' || hold.user_id || '/available' end, hold.amount, hold.free_amount,
    the_order);
  perform write_outcome(hold, failure);
  if outcome = 'captured' then
    insert into generation_times (order_id, model, placed_at, seconds)
    select order_id, model, placed_at, extract(epoch from attempts.ended_at - admitted_at)
    from orders join attempts using (order_id) where order_id = the_order and attempts.state = 'succeeded';
  end if;
  return hold;
end $$;
