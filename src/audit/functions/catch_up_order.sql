-- Brings an open order that PostgreSQL remembers as it was before to what the cluster still shows of it, so that nothing is paid twice:
-- the same settlement, the same tasks, and none after them. Where it is not certain that nothing was sent, the order ends and the credits
-- come back. `shown` is: uid, attempts, executions, taskId, outcome, reason, video, and whether the order was rebuilt from it.
create function ledger.catch_up_order(the_order text, shown jsonb, the_actor text, the_reason text, dry_run boolean) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  o orders;
  newest text;
  outcome text := 'adopted';
begin
  perform refuse_outside_audit_mode();
  select * into o from orders where order_id = the_order;
  if hold.order_id is null then return jsonb_build_object('outcome', 'refused', 'because', 'unknown order'); end if;
  if hold.state <> 'held' then
    return jsonb_build_object('outcome', case when coalesce(shown ->> 'outcome', hold.state) = hold.state then 'unchanged' else 'refused' end,
      'because', case when coalesce(shown ->> 'outcome', hold.state) <> hold.state then
        format('the books say %s and the object says %s: a person decides', hold.state, shown ->> 'outcome') end);
  end if;
  if o.claimed_by is distinct from shown ->> 'uid' and o.claimed_by is not null then
    return jsonb_build_object('outcome', 'refused', 'because', 'another object claimed the order');
  end if;
  if not shows_more(the_order, shown) then return jsonb_build_object('outcome', 'unchanged', 'because', null); end if;
  if dry_run then return jsonb_build_object('outcome', 'would-catch-up', 'because', null); end if;
  if o.claimed_by is null then
    update orders set claimed_by = shown ->> 'uid', claimed_at = clock_timestamp() where order_id = the_order;
  end if;
  insert into rebuilt_orders (order_id, epoch, mirrored) select the_order, epoch, shown from restore_marks on conflict do nothing;
  perform catch_up_attempts(the_order, shown);
  select state into newest from attempts where order_id = the_order order by n desc limit 1;
  if shown ->> 'outcome' is not null then
    outcome := 'settled';
    perform catch_up_settlement(the_order, shown);
  elsif newest in ('unknown', 'failed', 'rejected') then
    -- A task may run, and nothing that we know can name it.
    outcome := 'ended';
    perform end_generation(the_order, 'ProviderOutcomeUnknown');
  end if;
  perform record_action(the_actor, 'audit rebuild', null, jsonb_build_object('orderId', the_order), the_reason,
    jsonb_build_object('outcome', outcome));
  return jsonb_build_object('outcome', outcome, 'because', null);
end $$;
grant execute on function ledger.catch_up_order to admin;
