-- Begun edits that may be on the person's screen for all we know.
create function ledger.edits_unanswered(the_order text) returns bigint
language sql stable set search_path = ledger, pg_temp as $$
  select count(*) from delivery_edits where order_id = the_order and (answer is null or answer = 'unknown')
$$;
