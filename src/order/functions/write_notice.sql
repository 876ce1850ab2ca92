create function ledger.write_notice(the_order text, the_kind text, the_fact jsonb) returns void
language sql set search_path = ledger, pg_temp as $$
  insert into notices (order_id, chat_id, kind, fact)
  select order_id, chat_id, the_kind, the_fact from orders where order_id = the_order
  -- A fact is told once, however often it is found.
  on conflict (order_id, kind) where kind <> 'progress' do nothing
$$;
