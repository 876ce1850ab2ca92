-- Whether this object is the work order of an open hold. The first one with the right content is, forever.
create function ledger.claim(the_order text, uid text, hash text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  o orders;
  reclaim reclaims;
  free boolean;
begin
  -- A refusal is final, and a database that forgot would refuse what was ordered.
  perform refuse_in_standstill();
  if hold.order_id is null then
    return claim_refused('UnknownOrder', false)
      || jsonb_build_object('knownAsLost', exists (select from lost_orders where order_id = the_order));
  end if;
  select * into o from orders where order_id = the_order;
  select * into reclaim from reclaims where order_id = the_order and new_uid is null;
  if found then return claim_again(hold, o, reclaim, uid, hash); end if;
  -- The claimant hears "yours" whatever became of its spec since.
  if o.claimed_by = uid then
    return jsonb_build_object('answer', 'yours', 'settled', settled_json(hold));
  end if;
  if o.claimed_by is not null then return claim_refused('OtherClaimant', false); end if;
  if o.spec_hash is distinct from hash then return claim_refused('OtherContent', hold.state = 'held'); end if;
  free := hold.state = 'held' and may_be_admitted(the_order);
  update orders set claimed_by = uid, claimed_at = clock_timestamp(), admitted_at = case when free then clock_timestamp() end
  where order_id = the_order;
  if free then
    perform open_first_attempt(the_order);
  elsif hold.state = 'held' then
    perform write_progress(the_order, 'queued');
  end if;
  return jsonb_build_object('answer', 'yours', 'settled', settled_json(hold));
end $$;
grant execute on function ledger.claim to controller;
