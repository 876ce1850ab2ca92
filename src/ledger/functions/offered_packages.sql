create function ledger.offered_packages() returns jsonb
language sql stable security definer set search_path = ledger, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('packageId', package_id, 'version', version, 'credits', credits, 'stars', stars)
    order by credits, package_id), '[]')
  from packages where offered
$$;
grant execute on function ledger.offered_packages to bot, admin;
