-- Holds credits and writes the orders of one confirmed draft, all or none. The nonce decides: the same again answers the same.
create function ledger.place_orders(placement jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  the_user bigint := placement -> 'userId';
  number integer := jsonb_array_length(placement -> 'orders');
  available bigint;
  made order_groups;
  why text;
begin
  -- Everything of one person's placing waits here, a double tap too.
  select balance into available from accounts where account_id = 'user/' || the_user || '/available' for no key update;
  if not found then perform refuse('order_of_known_person', coalesce(the_user::text, 'null')); end if;
  select * into made from order_groups where nonce = placement ->> 'nonce';
  if found then return placed_before(made, placement, available); end if;
  why := refusal_of(placement, the_user, number, available);
  insert into order_groups (user_id, nonce, request_hash, count, unit_price, total, refused)
  values (the_user, placement ->> 'nonce', placement ->> 'requestHash', number,
    (placement ->> 'unitPrice')::bigint, number * (placement ->> 'unitPrice')::bigint, why)
  on conflict (nonce) do nothing returning * into made;
  -- Somebody else's nonce, at the same moment.
  if not found then return jsonb_build_object('outcome', 'conflict'); end if;
  if why is not null then return refused_placement(made, available); end if;
  perform write_orders(made, placement);
  return jsonb_build_object('outcome', 'placed', 'orders', orders_of_group(made.group_id), 'available', available_credits(the_user));
end $$;
grant execute on function ledger.place_orders to bot;
