-- The answer to a nonce that was seen: the same orders, or the same refusal; another content under it is a conflict.
create function ledger.placed_before(made ledger.order_groups, placement jsonb, available bigint) returns jsonb
language plpgsql stable set search_path = ledger, pg_temp as $$
begin
  if (made.user_id::text, made.request_hash) is distinct from (placement ->> 'userId', placement ->> 'requestHash') then
    return jsonb_build_object('outcome', 'conflict');
  end if;
  if made.refused is not null then return refused_placement(made, available); end if;
  return jsonb_build_object('outcome', 'exists', 'orders', orders_of_group(made.group_id), 'available', available);
end $$;
