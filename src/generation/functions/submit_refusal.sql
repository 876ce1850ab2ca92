-- Why no paid task may begin for a ready attempt at this moment, or null.
create function ledger.submit_refusal(attempt ledger.attempts, at timestamptz) returns text
language sql stable set search_path = ledger, pg_temp as $$
  select case
    when coalesce(attempt.lease_until, '-infinity') <= at then 'the lease ran out'
    when attempt.not_before > at then 'it is not to begin yet'
    when (select reason from due_end(attempt.order_id, at)) is not null then 'the end of the order is due' end
$$;
