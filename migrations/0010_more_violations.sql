-- What the audit did not see when its guard was taken away: a second welcome, two live attempts, two tasks of one submit.
alter view ledger.violations rename to violations_of_holds;
create view ledger.violations as
  select invariant, subject, explanation from ledger.violations_of_holds
union all
  select 'balance', 'user ' || user_id, 'welcomed more than once'
  from ledger.transfers where kind = 'welcome' group by user_id having count(*) > 1
union all
  select 'paid_tasks', order_id, 'more than one live attempt'
  from ledger.attempts where state in ('ready', 'intent', 'unknown', 'accepted', 'succeeded') group by order_id having count(*) > 1
union all
  select 'paid_tasks', attempts.order_id, 'the provider made another task of a submit than the one we know'
  from ledger.task_hints join ledger.submit_nonces using (nonce) join ledger.attempts using (attempt_id)
  where task_hints.verdict = 'ours' and task_hints.task_id is distinct from submit_nonces.task_id;
grant select on ledger.violations to admin;
