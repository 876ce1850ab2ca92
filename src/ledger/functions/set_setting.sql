-- An operator's setting, by its column's name. The limits are the table's.
create function ledger.set_setting(name text, value jsonb) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
  if not exists (
    select from information_schema.columns
    where table_schema = 'ledger' and table_name = 'settings' and column_name = name and column_name <> 'only_row')
  then perform refuse('setting_is_known', coalesce(name, 'null')); end if;
  execute format('update ledger.settings set %I = (jsonb_populate_record(null::ledger.settings, $1)).%I', name, name)
  using jsonb_build_object(name, value);
  perform record_action(session_user, 'setting', null, jsonb_build_object('name', name, 'value', value), 'set by its name', '{"outcome": "set"}');
  return (select to_jsonb(settings) - 'only_row' from settings);
end $$;
grant execute on function ledger.set_setting to admin;
