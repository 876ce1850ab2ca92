-- What Telegram answered to a refund: done, refused for good, or not now.
create function ledger.answer_payment_refund(the_refund bigint, the_answer text, seconds double precision, words text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  perform from payments where payment_id = (select payment_id from payment_refunds where refund_id = the_refund) for no key update;
  if the_answer = 'later' then
    update payment_refunds set due_at = clock_timestamp() + make_interval(secs => greatest(0, least(seconds, 86400))),
      lease_owner = null, lease_until = null, answer = left(words, 500)
    where refund_id = the_refund and state = 'intent';
  elsif the_answer in ('done', 'refused') then
    perform end_payment_refund(the_refund, the_answer, words);
  else
    perform refuse('refund_answer_is_known', coalesce(the_answer, 'null'));
  end if;
  return (
    select jsonb_build_object('state', state, 'userId', payment_refunds.user_id, 'credits', coalesce(payment_refunds.credits, 0),
      'available', available_credits(payment_refunds.user_id), 'chatId', telegram_id, 'language', language)
    from payment_refunds left join people on people.user_id = payment_refunds.user_id where refund_id = the_refund);
end $$;
grant execute on function ledger.answer_payment_refund to bot;
