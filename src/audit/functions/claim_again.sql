-- The claim of an order whose VideoJob was lost: by another object with the right content, never by one that had it before.
create function ledger.claim_again(hold ledger.holds, o ledger.orders, reclaim ledger.reclaims, uid text, hash text) returns jsonb
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if exists (select from reclaims where order_id = o.order_id and former_uid = uid) then
    return claim_refused('OtherClaimant', hold.state = 'held');
  end if;
  if o.spec_hash is distinct from hash then return claim_refused('OtherContent', hold.state = 'held'); end if;
  update reclaims set new_uid = uid, claimed_at = clock_timestamp()
  where order_id = o.order_id and generation = reclaim.generation;
  update orders set claimed_by = uid, claimed_at = clock_timestamp() where order_id = o.order_id;
  return jsonb_build_object('answer', 'yours', 'settled', settled_json(hold));
end $$;
