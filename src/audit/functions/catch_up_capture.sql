-- Captured: a video was made, and shown or kept. Its file and its message are known where PostgreSQL knew them before; otherwise they are
-- marked as not known.
create function ledger.catch_up_capture(the_order text, why text, video jsonb) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  edit text := 'rebuilt:' || the_order;
begin
  if not exists (select from deliveries where order_id = the_order) then
    -- A captured order without the name of its task: one that nobody can ask for.
    update submit_nonces set answer = 'accepted', answered_at = at, task_id = edit
    from attempts where submit_nonces.nonce = attempts.submit_nonce and order_id = the_order and state in ('intent', 'unknown');
    update attempts set state = 'accepted', accepted_at = at, task_id = edit where order_id = the_order and state in ('intent', 'unknown');
    update attempts set state = 'succeeded', ended_at = at, video_key = the_order || '/unknown', video_sha256 = 'unknown',
      video_bytes = coalesce((video ->> 'bytes')::bigint, 0), video_seconds = coalesce((video ->> 'seconds')::double precision, 0),
      video_width = coalesce((video ->> 'width')::integer, 0), video_height = coalesce((video ->> 'height')::integer, 0)
    where order_id = the_order and state = 'accepted';
    insert into deliveries (order_id) values (the_order);
  end if;
  insert into delivery_edits (nonce, order_id, kind, fence) values (edit, the_order, 'edit', 0) on conflict do nothing;
  update deliveries set state = 'editing' where order_id = the_order and state = 'pending';
  case why
    when 'RecipientUnreachable' then
      update delivery_edits set answer = 'refused', meaning = 'unreachable', answered_at = at where nonce = edit;
      update deliveries set state = 'waiting' where order_id = the_order and state = 'editing';
    when 'DeliveryUnconfirmed' then
      update delivery_edits set answer = 'unknown', answered_at = at where nonce = edit;
      update deliveries set state = 'uncertain' where order_id = the_order and state = 'editing';
    else
      update delivery_edits set answer = 'shown', answered_at = at where nonce = edit;
      update deliveries set state = 'shown', shown_at = at,
        shown_message_id = coalesce((select message_id from orders where order_id = the_order), 0)
      where order_id = the_order and state = 'editing';
  end case;
  perform settle(the_order, 'captured', case when why in ('RecipientUnreachable', 'DeliveryUnconfirmed') then why else 'VideoDelivered' end);
end $$;
