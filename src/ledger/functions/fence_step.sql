-- What a new lease adds to a fence. All runners share one database role, and the numbers of attempts can be guessed: so that whoever
-- names a fence took that lease, which is checked by order and uid, it grows by 36 random bits. 100,000 leases stay below 2^53.
create function ledger.fence_step() returns bigint
language sql volatile set search_path = ledger, pg_temp as $$
  select 1 + ('x' || left(replace(gen_random_uuid()::text, '-', ''), 9))::bit(36)::bigint
$$;
