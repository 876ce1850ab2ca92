-- Takes the delivery lease for 60 s and raises the fence; an execution with a higher number takes it at once.
create function ledger.lease_delivery(the_order text, uid text, execution integer, owner text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  at timestamptz := clock_timestamp();
  job executions;
  delivery deliveries;
  because text;
begin
  select * into job from executions where order_id = the_order and stage = 'delivery' and n = execution;
  select * into delivery from deliveries where order_id = the_order;
  because := case
    when not exists (select from orders where order_id = the_order and claimed_by = uid) then 'the order is not claimed by this object'
    when hold.state <> 'held' then 'the order is settled'
    when job.n is null then 'there is no such execution'
    when job.ended_at is not null then 'the execution has ended'
    when delivery.state is null or delivery.state not in ('pending', 'editing') then 'the delivery is ' || coalesce(delivery.state, 'not opened')
    when execution < delivery.lease_execution then 'a later execution took over' end;
  if because is not null then return jsonb_build_object('outcome', 'over', 'because', because); end if;
  if execution = delivery.lease_execution and delivery.lease_owner is distinct from owner and delivery.lease_until > at then
    return jsonb_build_object('outcome', 'held', 'until', delivery.lease_until);
  end if;
  update deliveries set fence = fence + fence_step(), lease_owner = owner, lease_execution = execution, lease_until = at + interval '60 seconds'
  where order_id = the_order returning * into delivery;
  update executions set leased_at = at where order_id = the_order and stage = 'delivery' and n = execution and leased_at is null;
  return (
    select jsonb_build_object('outcome', 'leased', 'fence', delivery.fence, 'state', delivery.state, 'leaseUntil', delivery.lease_until,
      'notBefore', delivery.not_before, 'now', at, 'chatId', chat_id, 'messageId', message_id, 'language', people.language,
      'unitPrice', settings.unit_price, 'video', video_json(the_order))
    from orders join people using (user_id) cross join settings where order_id = the_order);
end $$;
grant execute on function ledger.lease_delivery to runner;
