-- Why a write of the lease's holder does nothing, or null. Every one names the state it expects and its fence.
create function ledger.attempt_refusal(attempt ledger.attempts, hold ledger.holds, expected text, the_fence bigint) returns text
language sql immutable set search_path = ledger, pg_temp as $$
  select case
    when attempt.attempt_id is null then 'there is no such attempt'
    when hold.state <> 'held' then 'the order is settled'
    when attempt.fence <> the_fence then 'the lease was taken'
    when attempt.state <> expected then 'the attempt is ' || attempt.state end
$$;
