-- One side forgot something: nothing new begins until an operator has resolved it. The first cause stays.
create function ledger.enter_audit_mode(the_epoch bigint, why text, words text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  entered boolean;
  sequence record;
begin
  update restore_marks set state = 'audit', cause = why, explanation = words, entered_at = clock_timestamp()
  where epoch = the_epoch and state <> 'audit';
  entered := found;
  if entered then
    -- No number of the forgotten time is given a second time: not to another person, not to another attempt.
    for sequence in select sequencename, last_value from pg_catalog.pg_sequences where schemaname = 'ledger' loop
      perform setval(format('ledger.%I', sequence.sequencename)::regclass, coalesce(sequence.last_value, 0) + 100000);
    end loop;
  end if;
  return jsonb_build_object('entered', entered);
end $$;
grant execute on function ledger.enter_audit_mode to controller;
