-- Compare-and-set of the message that becomes the video; the answer is the message that counts now. A pod names its fence, the bot none.
create function ledger.adopt_message(the_order text, the_fence bigint, expected bigint, adopted bigint) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  if the_fence is null and not pg_has_role(session_user, 'bot', 'member') then
    perform refuse('message_by_its_lease', 'a pod names the fence of its lease');
  end if;
  perform lock_hold(the_order);
  if the_fence is null or exists (select from deliveries where order_id = the_order and fence = the_fence) then
    update orders set message_id = adopted where order_id = the_order and message_id is not distinct from expected;
  end if;
  return jsonb_build_object('messageId', (select message_id from orders where order_id = the_order));
end $$;
grant execute on function ledger.adopt_message to runner, bot;
