create function ledger.notice_json(notice ledger.notices) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select jsonb_build_object(
    'noticeId', notice.notice_id, 'orderId', notice.order_id, 'userId', orders.user_id, 'chatId', notice.chat_id,
    'language', people.language, 'messageId', orders.message_id, 'available', available_credits(orders.user_id),
    'unitPrice', settings.unit_price,
    'fact', jsonb_build_object('kind', notice.kind) || notice.fact || case notice.kind
      when 'progress' then jsonb_build_object(
        'place', case when notice.fact ->> 'stage' = 'queued' then place_of(notice.order_id) end,
        'usualSeconds', usual_seconds(orders.model),
        'elapsedSeconds', age_seconds(coalesce(orders.admitted_at, orders.placed_at)),
        'cancellable', is_cancellable(notice.order_id))
      when 'slow' then jsonb_build_object('usualSeconds', usual_seconds(orders.model))
      else '{}' end)
  from orders join people using (user_id) cross join settings where orders.order_id = notice.order_id
$$;
