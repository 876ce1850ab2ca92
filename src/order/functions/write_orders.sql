-- The orders of a group with their holds and first notices. The tapped message becomes the first order's progress message.
create function ledger.write_orders(made ledger.order_groups, placement jsonb) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  item record;
  -- The caller holds the account's lock.
  free bigint := (select free_balance from accounts where account_id = 'user/' || made.user_id || '/available');
  free_part bigint;
begin
  for item in
    select value ->> 'orderId' as order_id, value ->> 'videoJob' as video_job, value ->> 'specHash' as spec_hash, ordinality::integer as position
    from jsonb_array_elements(placement -> 'orders') with ordinality
  loop
    insert into orders (order_id, group_id, position, user_id, credits, chat_id, message_id, language, template, product_text, wishes,
      photo_key, repeats, video_job, spec_hash)
    values (item.order_id, made.group_id, item.position, made.user_id, made.unit_price, (placement ->> 'chatId')::bigint,
      case item.position when 1 then (placement ->> 'messageId')::bigint end, placement ->> 'language', placement ->> 'template',
      placement ->> 'productText', placement ->> 'wishes', placement ->> 'photoKey', placement ->> 'repeats', item.video_job, item.spec_hash);
    -- Free credits are spent first.
    free_part := least(made.unit_price, free);
    free := free - free_part;
    insert into holds (order_id, user_id, amount, free_amount) values (item.order_id, made.user_id, made.unit_price, free_part);
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, order_id)
    values ('hold:' || item.order_id, 'hold', made.user_id, 'user/' || made.user_id || '/available',
      'user/' || made.user_id || '/held', made.unit_price, free_part, item.order_id);
    perform write_progress(item.order_id, 'accepted');
  end loop;
end $$;
