create function ledger.notice_json(notice ledger.notices) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select jsonb_build_object(
    'noticeId', notice.notice_id, 'orderId', notice.order_id, 'userId', orders.user_id, 'chatId', notice.chat_id,
    'language', people.language, 'position', orders.position, 'count', order_groups.count, 'messageId', case notice.kind
      -- Where a summary can be said when nobody knows whether it was: a message that did not become a video.
      when 'summary' then (
        select failed.message_id from orders as failed join holds using (order_id)
        where failed.group_id = orders.group_id and holds.state = 'released' and failed.message_id is not null
        order by failed.position desc limit 1)
      else orders.message_id end,
    'available', available_credits(orders.user_id),
    'debt', owed_credits(orders.user_id),
    'unitPrice', settings.unit_price,
    'fact', jsonb_build_object('kind', notice.kind) || notice.fact || case notice.kind
      when 'progress' then jsonb_build_object(
        'place', case when notice.fact ->> 'stage' = 'queued' then place_of(notice.order_id) end,
        'usualSeconds', usual_seconds(orders.model),
        'elapsedSeconds', age_seconds(coalesce(orders.admitted_at, orders.placed_at)),
        'cancellable', is_cancellable(notice.order_id))
      when 'slow' then jsonb_build_object('usualSeconds', usual_seconds(orders.model))
      else '{}' end)
  from orders join order_groups using (group_id) join people on people.user_id = orders.user_id cross join settings
  where orders.order_id = notice.order_id
$$;
