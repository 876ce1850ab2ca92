-- Locks the order of an edit's nonce. An unknown nonce is made void, so that a late copy of its begin begins nothing.
create function ledger.lock_edit(the_nonce text) returns ledger.holds
language plpgsql set search_path = ledger, pg_temp as $$
begin
  insert into delivery_edits (nonce, kind) values (the_nonce, 'void') on conflict do nothing;
  return lock_hold((select order_id from delivery_edits where nonce = the_nonce));
end $$;
