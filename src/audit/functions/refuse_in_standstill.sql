-- Refuses with what every program takes as "not now, the same again later". An operator acts all the same: he ends the standstill.
create function ledger.refuse_in_standstill(which text default 'any') returns void
language plpgsql stable set search_path = ledger, pg_temp as $$
declare
  why text := standstill();
begin
  if why is null or which not in ('any', why) or pg_has_role(session_user, 'admin', 'member') then return; end if;
  raise exception using errcode = 'cannot_connect_now', constraint = 'nothing_begins_in_' || why, schema = 'ledger',
    message = case why
      when 'audit' then 'audit mode: nothing new begins until an operator has run "neurocards admin audit --resolve"'
      else 'the server was started again: nothing new begins until a controller has compared it with what it remembers' end;
end $$;
