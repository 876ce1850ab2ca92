-- An order that PostgreSQL forgot, placed again from its VideoJob, whose mac the caller has checked. What the person wrote, and which
-- message was theirs, is lost; what the balance does not cover is written off.
create function ledger.rebuild_order(the_order text, object jsonb, the_actor text, the_reason text, dry_run boolean) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  spec jsonb := object -> 'spec';
  the_user bigint := spec #>> '{order,userId}';
  credits bigint := spec #>> '{order,credits}';
  person people;
  gap bigint;
  made order_groups;
  because text;
begin
  perform refuse_outside_audit_mode();
  if exists (select from orders where order_id = the_order) then return jsonb_build_object('outcome', 'exists', 'because', null); end if;
  select * into person from people where user_id = the_user;
  because := case
    -- Somebody who came after the loss would have a number of their own: this one is nobody, or was forgotten by PostgreSQL.
    when person.user_id is null or person.created_at >= (select entered_at from restore_marks) then 'its person is not in the books'
    when person.telegram_id is null then 'its person had themselves forgotten'
    when owed_credits(the_user) > 0 then 'its person owes credits, so nothing can be held' end;
  if because is not null then return jsonb_build_object('outcome', 'refused', 'because', because); end if;
  if dry_run then return jsonb_build_object('outcome', 'would-rebuild', 'because', null); end if;
  perform from accounts where account_id = 'user/' || the_user || '/available' for no key update;
  gap := credits - available_credits(the_user);
  if gap > 0 then
    perform credit_by_admin('writeoff', 'sys/writeoff', the_user, gap, 'rebuilt:' || the_order, the_actor, the_reason, false);
  end if;
  insert into order_groups (user_id, nonce, request_hash, count, unit_price, total)
  values (the_user, 'rebuilt:' || the_order, 'rebuilt', 1, credits, credits) returning * into made;
  perform write_orders(made, jsonb_build_object(
    'chatId', person.telegram_id, 'messageId', null, 'language', person.language, 'template', spec #>> '{input,template}',
    'productText', '', 'photoKey', spec #>> '{input,photo}',
    'orders', jsonb_build_array(jsonb_build_object('orderId', the_order, 'videoJob', object ->> 'videoJob', 'specHash', spec #>> '{order,specHash}'))));
  -- It was accepted long ago, and said so.
  update notices set ended_at = clock_timestamp(), ending = 'dropped' where order_id = the_order and ended_at is null;
  return jsonb_build_object('outcome', 'rebuilt', 'because', null, 'writtenOff', greatest(gap, 0));
end $$;
grant execute on function ledger.rebuild_order to admin;
