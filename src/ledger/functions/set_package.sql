-- Offers a package, or takes it out of the offer. Other credits or another price are another version, so that an invoice stays as it was shown.
create function ledger.set_package(the_package text, the_credits bigint, the_stars bigint, is_offered boolean, the_actor text, the_reason text)
returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  newest packages;
begin
  -- One change at a time, of a package that may not exist yet.
  perform pg_advisory_xact_lock(hashtext('neurocards package ' || the_package));
  select * into newest from packages where package_id = the_package order by version desc limit 1;
  update packages set offered = false where package_id = the_package and offered;
  if (newest.credits, newest.stars) is distinct from (the_credits, the_stars) then
    insert into packages (package_id, version, credits, stars, offered)
    values (the_package, coalesce(newest.version, 0) + 1, the_credits, the_stars, is_offered) returning * into newest;
  else
    update packages set offered = is_offered where package_id = the_package and version = newest.version returning * into newest;
  end if;
  perform record_action(the_actor, 'package', null, to_jsonb(newest), the_reason, '{"outcome": "set"}');
  return jsonb_build_object('packageId', newest.package_id, 'version', newest.version, 'credits', newest.credits, 'stars', newest.stars,
    'offered', newest.offered);
end $$;
grant execute on function ledger.set_package to admin;
