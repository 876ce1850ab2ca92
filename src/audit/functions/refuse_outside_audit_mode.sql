-- What is rebuilt from the cluster is rebuilt while nothing else moves.
create function ledger.refuse_outside_audit_mode() returns void
language plpgsql stable set search_path = ledger, pg_temp as $$
begin
  if (select state from restore_marks) <> 'audit' then
    perform refuse('rebuilt_in_audit_mode', 'both sides go on already; what is rebuilt now could be paid twice');
  end if;
end $$;
