-- Clock, Verdict and DeliveryOver: whatever end is due now. Answers why not, or null when it was settled.
create function ledger.close_due(hold ledger.holds) returns text
language plpgsql set search_path = ledger, pg_temp as $$
declare
  why text := (select reason from due_end(hold.order_id, clock_timestamp()));
begin
  if why is null then return 'no clock has run out and no verdict is final'; end if;
  perform end_order(hold.order_id, why);
  return null;
end $$;
