-- The next mark for the cluster to keep. Proposed before it is written there and confirmed after it, so that a mark in the cluster
-- that was never proposed proves that this database forgot, and a confirmed one that is not there proves that the cluster did.
create function ledger.propose_mark(seen bigint) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  marks restore_marks;
begin
  select * into marks from restore_marks for no key update;
  if marks.state = 'audit' then return jsonb_build_object('outcome', 'audit'); end if;
  -- After a resolved audit the cluster's counter may be ahead; the new epoch starts above both.
  marks.confirmed := case marks.state when 'resolved' then greatest(marks.confirmed, seen) else marks.confirmed end;
  update restore_marks set confirmed = marks.confirmed, proposed = marks.confirmed + 1;
  return jsonb_build_object('outcome', 'proposed', 'facts', database_facts());
end $$;
grant execute on function ledger.propose_mark to controller;
