-- Books the bonuses that have become due; answers whom they went to. All accounts are locked first, by number, so that this never waits in a
-- circle with whoever else works on several people.
create function ledger.grant_due_referrals() returns jsonb
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
  bonus bigint := (select referral_credits from settings);
  referred bigint[];
  pair record;
  granted bigint[] := '{}';
begin
  -- Books that forgot may have forgotten a refund.
  if bonus = 0 or standstill() is not null then return '[]'; end if;
  select array_agg(user_id) into referred from (
    select people.user_id from people join people as referrer on referrer.user_id = people.referred_by
    where people.banned_at is null and referrer.banned_at is null and referrer.telegram_id is not null
      and not exists (select from transfers where idempotency_key = 'referral:' || people.user_id)
      and referral_is_due(people.user_id)
    order by people.user_id limit 100
  ) as due;
  if referred is null then return '[]'; end if;
  perform from accounts
  where account_id like '%/available' and user_id in (
    select unnest(array[user_id, referred_by]) from people where user_id = any (referred))
  order by user_id for no key update;
  for pair in select user_id, referred_by from people where user_id = any (referred) order by user_id loop
    continue when not referral_is_due(pair.user_id);
    insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, referred_id)
    values ('referral:' || pair.user_id, 'referral', pair.referred_by, 'sys/grants', 'user/' || pair.referred_by || '/available',
      bonus, bonus, pair.user_id)
    on conflict (idempotency_key) do nothing;
    if found then granted := granted || pair.referred_by; end if;
  end loop;
  return to_jsonb(granted);
end $$;
grant execute on function ledger.grant_due_referrals to controller;
