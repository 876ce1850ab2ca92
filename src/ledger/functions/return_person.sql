-- Gives a forgotten person their number back: with it come welcome, codes, referral, debt and ban. Null when nobody is known by that HMAC.
create function ledger.return_person(the_telegram_id bigint, telegram_language text, the_identity text) returns ledger.people
language plpgsql set search_path = ledger, pg_temp as $$
declare
  person people;
begin
  update people set telegram_id = the_telegram_id, language = telegram_language, identity_hmac = null, unreachable_since = null
  where identity_hmac = the_identity returning * into person;
  return person;
end $$;
