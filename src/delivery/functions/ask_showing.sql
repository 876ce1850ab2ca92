-- "Send again": the person asks for a captured video of theirs.
create function ledger.ask_showing(the_order text, the_user bigint) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds;
  outcome text;
begin
  if exists (select from holds where order_id = the_order and user_id = the_user) then hold := lock_hold(the_order); end if;
  if hold.order_id is null then return jsonb_build_object('outcome', 'unknown-order'); end if;
  select case when hold.state <> 'captured' then null when state = 'shown' then 'shown' when state in ('waiting', 'uncertain') then 'queued' end
  into outcome from deliveries where order_id = the_order;
  if outcome = 'queued' then
    update deliveries set asked_at = coalesce(asked_at, clock_timestamp()), showing_due_at = clock_timestamp() where order_id = the_order;
    perform tell('neurocards_notices', the_order);
  end if;
  return jsonb_build_object('outcome', coalesce(outcome, 'not-stored'));
end $$;
grant execute on function ledger.ask_showing to bot;
