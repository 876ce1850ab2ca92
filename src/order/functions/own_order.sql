-- What "Generate Again" needs of an order of this very person; null for anybody else's.
create function ledger.own_order(the_order text, the_user bigint) returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select jsonb_build_object('orderId', order_id, 'template', template, 'productText', product_text, 'wishes', wishes,
    'photoKey', photo_key, 'unitPrice', settings.unit_price,
    'provider', provider, 'model', model, 'seconds', seconds, 'aspectRatio', aspect_ratio, 'audio', audio, 'ageSeconds', age_seconds(placed_at))
  from orders cross join settings where order_id = the_order and user_id = the_user and redacted_at is null
$$;
grant execute on function ledger.own_order to bot;
