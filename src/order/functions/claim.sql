-- Whether this object is the work order of an open hold. The first one with the right content is, forever.
create function ledger.claim(the_order text, uid text, hash text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_hold(the_order);
  o orders;
begin
  if hold.order_id is null then return claim_refused('UnknownOrder', false); end if;
  select * into o from orders where order_id = the_order;
  -- The claimant hears "yours" whatever became of its spec since.
  if o.claimed_by = uid then
    return jsonb_build_object('answer', 'yours', 'settled', settled_json(hold));
  end if;
  if o.claimed_by is not null then return claim_refused('OtherClaimant', false); end if;
  if o.spec_hash is distinct from hash then return claim_refused('OtherContent', hold.state = 'held'); end if;
  update orders set claimed_by = uid, claimed_at = clock_timestamp() where order_id = the_order;
  if hold.state = 'held' and not admit_if_free(the_order) then
    perform write_progress(the_order, 'queued');
  end if;
  return jsonb_build_object('answer', 'yours', 'settled', settled_json(hold));
end $$;
grant execute on function ledger.claim to controller;
