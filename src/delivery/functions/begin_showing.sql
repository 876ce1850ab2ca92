-- The bot's showing of a captured video, under its own lease. Credits are settled; it only has to be told apart from a pod's edits.
create function ledger.begin_showing(the_order text, the_fence bigint, the_nonce text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  delivery deliveries;
  because text;
begin
  select * into delivery from deliveries where order_id = the_order;
  because := case
    when hold.state is distinct from 'captured' then 'the order is not captured'
    when delivery.state not in ('waiting', 'uncertain') then 'the delivery is ' || delivery.state
    when delivery.fence <> the_fence then 'the lease was taken'
    when coalesce(delivery.showing_until, '-infinity') <= clock_timestamp() then 'the lease ran out' end;
  if because is null and exists (
    select from delivery_edits
    where nonce = the_nonce and order_id = the_order and fence = the_fence and kind = 'showing' and answer is null)
  then return done_json(null); end if;
  insert into delivery_edits (nonce, order_id, kind, fence)
  select the_nonce, case when because is null then the_order end, case when because is null then 'showing' else 'void' end, the_fence
  on conflict (nonce) do nothing;
  if not found then because := coalesce(because, 'the nonce was used before'); end if;
  return done_json(because);
end $$;
grant execute on function ledger.begin_showing to bot;
