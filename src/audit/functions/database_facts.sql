-- What tells this database from another one, and how far it has come. A controller compares it with what it remembers.
create function ledger.database_facts() returns jsonb
language sql volatile security definer set search_path = ledger, pg_temp as $$
  select jsonb_build_object(
    'systemIdentifier', (select system_identifier::text from pg_control_system()),
    'timeline', ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::bigint,
    'written', (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::text,
    'lastTransfer', (select coalesce(max(transfer_id), 0) from transfers),
    'incarnation', database_incarnation(),
    'vouched', incarnation is not distinct from database_incarnation(),
    'state', state, 'epoch', epoch, 'proposed', proposed, 'confirmed', confirmed,
    'markedSystemIdentifier', system_identifier,
    'cause', cause, 'explanation', explanation, 'enteredAt', entered_at)
  from restore_marks
$$;
grant execute on function ledger.database_facts to controller, admin;
