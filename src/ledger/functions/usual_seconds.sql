-- How long a video of this model usually takes from admission until it is stored: the median of the last 50, else the setting.
create function ledger.usual_seconds(the_model text) returns double precision
language sql stable set search_path = ledger, pg_temp as $$
  select case when count(*) >= 3 then greatest(1, percentile_cont(0.5) within group (order by seconds)) else
    (select usual_seconds from settings)::double precision end
  from (select seconds from generation_times where model = the_model order by placed_at desc limit 50) as recent
$$;
