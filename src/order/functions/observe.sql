-- Everything the controller decides by, of one order, seen at one moment.
create function ledger.observe(the_order text) returns jsonb
language plpgsql stable security definer set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  o orders;
  hold holds;
  clocks record;
  attempt attempts;
  delivery deliveries;
begin
  select * into o from orders where order_id = the_order;
  if not found then return null; end if;
  select * into hold from holds where order_id = the_order;
  select * into clocks from clocks_of(the_order);
  select * into attempt from attempts where order_id = the_order order by n desc limit 1;
  select * into delivery from deliveries where order_id = the_order;
  return jsonb_build_object(
    'now', at, 'orderId', the_order, 'claimedBy', case when not awaits_object(the_order) then o.claimed_by end, 'placedAt', o.placed_at, 'admittedAt', o.admitted_at,
    'suspended', exists (select from pauses where order_id = the_order and cause = 'suspended' and upper_inf(during)),
    'settled', settled_json(hold),
    'clocks', jsonb_build_object('queue', clocks.queue, 'generation', clocks.generation, 'furtherTask', clocks.further_task,
      'delivery', clocks.delivery, 'hold', clocks.hold),
    'attempts', jsonb_build_object(
      'count', (select count(*) from attempts where order_id = the_order),
      'confirmedFailures', (select count(*) from attempts where order_id = the_order and state = 'failed'),
      'current', observed_attempt(attempt, at),
      'lastFailure', (
        select jsonb_build_object('class', failure_class, 'message', failure_message)
        from attempts where order_id = the_order and failure_class is not null order by n desc limit 1)),
    'generationExecutions', observed_executions(the_order, 'generation'),
    'delivery', case when delivery.order_id is not null then jsonb_build_object(
      'state', delivery.state, 'notBefore', delivery.not_before, 'leaseUntil', delivery.lease_until,
      'editsBegun', (select count(*) from delivery_edits where order_id = the_order),
      'editsUnanswered', edits_unanswered(the_order),
      'over', (select reason from due_end(the_order, at)) is not null) end,
    'deliveryExecutions', observed_executions(the_order, 'delivery'),
    'video', (
      select jsonb_build_object('bytes', video_bytes, 'seconds', video_seconds, 'width', video_width, 'height', video_height)
      from attempts where order_id = the_order and state = 'succeeded'));
end $$;
grant execute on function ledger.observe to controller, admin;
