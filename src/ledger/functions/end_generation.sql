-- Ends an order before a video was stored. A task that may run is abandoned and followed; one that was never sent is rejected.
create function ledger.end_generation(the_order text, why text) returns ledger.holds
language plpgsql set search_path = ledger, pg_temp as $$
declare
  failure text;
  at timestamptz := clock_timestamp();
begin
  select failure_class into failure from attempts
  where order_id = the_order and state in ('failed', 'rejected') order by n desc limit 1;
  update attempts set state = 'rejected', ended_at = at where order_id = the_order and state = 'ready';
  update attempts set state = 'abandoned', ended_at = at, lease_owner = null, lease_until = null,
    follow_due_at = at + interval '1 minute', follow_until = at + interval '24 hours'
  where order_id = the_order and state in ('intent', 'unknown', 'accepted');
  return settle(the_order, 'released', why, failure);
end $$;
