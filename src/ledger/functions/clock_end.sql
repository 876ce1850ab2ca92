-- The end of a clock that began then: what was paused since is not counted. Null when it never began.
create function ledger.clock_end(the_order text, began timestamptz, seconds integer, of_delivery boolean, was_paused boolean)
returns timestamptz
language plpgsql stable set search_path = ledger, pg_temp as $$
declare
  paused double precision := 0;
begin
  if was_paused then
    select coalesce(sum(extract(epoch from upper(pause) - lower(pause))), 0) into paused
    from (
      select unnest(range_agg(during * tstzrange(began, null))) as pause
      from pauses where order_id = the_order and (cause = 'suspended' or of_delivery)
    ) as merged
    where not upper_inf(pause);
  end if;
  return began + make_interval(secs => seconds + paused);
end $$;
