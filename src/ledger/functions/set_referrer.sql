-- Writes down who invited a person: once, at their first start.
create function ledger.set_referrer(the_user bigint, the_code text) returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  person people;
  referrer people;
  because text;
begin
  select * into person from people where user_id = the_user for no key update;
  select * into referrer from people where referral_code = the_code;
  because := case
    when person.user_id is null then 'unknown-person'
    when person.referred_by is not null then 'already'
    when person.consented_at is not null or person.forgotten_at is not null then 'not-new'
    when referrer.user_id is null or referrer.telegram_id is null or referrer.banned_at is not null then 'unknown-code'
    when referrer.user_id = person.user_id then 'oneself'
    when referrer.user_id > person.user_id then 'came-later' end;
  if because is null then update people set referred_by = referrer.user_id where user_id = the_user; end if;
  return jsonb_build_object('outcome', case when because is null then 'recorded' else 'refused' end, 'because', because);
end $$;
grant execute on function ledger.set_referrer to bot;
