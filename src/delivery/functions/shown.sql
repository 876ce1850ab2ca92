-- The video is in the chat: shown and captured in one transaction. For a captured order only the showing is recorded.
create function ledger.shown(the_order text, the_nonce text, the_message bigint, the_file text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  hold holds := lock_edit(the_nonce);
  edit delivery_edits;
begin
  select * into edit from delivery_edits where nonce = the_nonce;
  if edit.order_id is distinct from the_order then return shown_json(hold, 'no edit of this order was begun with this nonce'); end if;
  if edit.answer = 'refused' then return shown_json(hold, 'the edit was answered as refused'); end if;
  if hold.state = 'released' then return shown_json(hold, 'the credits were released'); end if;
  if edit.answer is distinct from 'shown' then
    update delivery_edits set answer = 'shown', answered_at = clock_timestamp(), failure_class = null where nonce = the_nonce;
  end if;
  update deliveries set state = 'shown', shown_at = clock_timestamp(), shown_message_id = the_message, file_id = the_file,
    showing_owner = null, showing_until = null, asked_at = null
  where order_id = the_order and state in ('editing', 'waiting', 'uncertain');
  if not found then return shown_json(hold, 'it was shown before'); end if;
  if hold.state = 'held' then
    hold := settle(the_order, 'captured', 'VideoDelivered');
  else
    perform write_notice(the_order, 'delivered', jsonb_build_object('credits', hold.amount));
    -- The settlement stays as it was; who watches the order still hears that its person has the video.
  end if;
  return shown_json(hold, null);
end $$;
grant execute on function ledger.shown to runner, bot;
