-- The keys of the photos and videos of a forgotten person's orders, which are to go with them.
create function ledger.objects_of(the_user bigint) returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select coalesce(jsonb_agg(distinct key), '[]') from (
    select photo_key from orders where user_id = the_user and redacted_at is not null
    union all
    select video_key from orders join attempts using (order_id)
    where user_id = the_user and redacted_at is not null and video_key is not null
  ) as objects (key)
$$;
grant execute on function ledger.objects_of to bot;
