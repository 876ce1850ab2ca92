-- Takes out of a forgotten person's finished orders what they wrote and where they were reached. The facts of the books stay.
create function ledger.redact_person(the_user bigint) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
begin
  update notices set chat_id = 0, ended_at = coalesce(ended_at, at), ending = coalesce(ending, 'dropped')
  where order_id in (select order_id from orders where user_id = the_user);
  update orders set product_text = '', wishes = null, chat_id = 0, redacted_at = at where user_id = the_user and redacted_at is null;
  update attempts set prompt = null, photo_url = null, photo_url_until = null
  where order_id in (select order_id from orders where user_id = the_user) and (prompt is not null or photo_url is not null);
  -- Of a refund under way Telegram still has to be told whom it is for.
  update payments set telegram_id = null
  where user_id = the_user and telegram_id is not null and not exists (
    select from payment_refunds where payment_refunds.payment_id = payments.payment_id and state = 'intent');
end $$;
