create function ledger.showing_json(the_order text) returns jsonb
language sql stable set search_path = ledger, pg_temp as $$
  select jsonb_build_object('orderId', order_id, 'fence', fence, 'chatId', chat_id, 'messageId', message_id, 'language', people.language,
    'unitPrice', settings.unit_price, 'fileId', file_id, 'video', video_json(order_id))
  from deliveries join orders using (order_id) join people using (user_id) cross join settings where order_id = the_order
$$;
