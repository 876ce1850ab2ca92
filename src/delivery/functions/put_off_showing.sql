-- A refused showing is tried again later, more and more slowly; to an unreachable person when they are seen again.
create function ledger.put_off_showing(edit ledger.delivery_edits, retry_after double precision) returns void
language sql set search_path = ledger, pg_temp as $$
  update deliveries set showing_owner = null, showing_until = null, showing_tries = showing_tries + 1,
    asked_at = case when edit.meaning = 'unreachable' then null else asked_at end,
    showing_due_at = clock_timestamp() + make_interval(secs => greatest(coalesce(retry_after, 0),
      case when edit.meaning in ('missing-message', 'unreachable') then 0 else least(3600, 5 * power(2, least(showing_tries, 10))) end))
  where order_id = edit.order_id and fence = edit.fence and state in ('waiting', 'uncertain')
$$;
