-- Whether an order that is being claimed is admitted with it: nobody waits before it and a slot is free. From here to the end of the
-- transaction nobody else is admitted.
create function ledger.may_be_admitted(the_order text) returns boolean
language plpgsql set search_path = ledger, pg_temp as $$
begin
  if (select reason from due_end(the_order, clock_timestamp())) is not null then return false; end if;
  perform lock_admission();
  return not (somebody_waits(the_order) or free_slots() < 1);
end $$;
