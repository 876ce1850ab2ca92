-- What a definite refusal of a pod's edit means for an open order. The caller holds the hold's lock.
create function ledger.refuse_edit(edit ledger.delivery_edits, retry_after double precision) returns void
language plpgsql set search_path = ledger, pg_temp as $$
declare
  at timestamptz := clock_timestamp();
  pause interval := make_interval(secs => greatest(0, least(retry_after, 3600)));
begin
  case edit.meaning
    when 'unreachable' then
      update deliveries set state = 'waiting', failure_class = edit.failure_class where order_id = edit.order_id and state = 'editing' and refused_at is null;
      if found then perform settle(edit.order_id, 'captured', 'RecipientUnreachable'); end if;
    when 'final' then
      -- While another begun edit is without an answer the row stays `editing`; the stage is over all the same.
      update deliveries set refused_at = at, failure_class = edit.failure_class,
        state = case when edits_unanswered(edit.order_id) = 0 then 'refused' else state end
      where order_id = edit.order_id and state = 'editing' and refused_at is null;
    when 'retry' then
      update deliveries set not_before = greatest(not_before, at + pause), failure_class = edit.failure_class where order_id = edit.order_id;
      -- The time that Telegram asked for is not the stage's.
      if pause > interval '0' then
        insert into pauses (order_id, cause, during) values (edit.order_id, 'retry-after', tstzrange(at, at + pause));
      end if;
    when 'missing-message' then null;
  end case;
end $$;
