-- A newer progress replaces an older unsent one; from `succeeded`, or the end, on the message belongs to delivery.
-- One that is being sent at this moment is left to its sender.
create function ledger.drop_stale_notices(at timestamptz) returns void
language sql set search_path = ledger, pg_temp as $$
  update notices set ended_at = at, ending = stale.ending
  from (
    select notice_id, case
        when kind in ('progress', 'slow') and (
          exists (select from deliveries where deliveries.order_id = notices.order_id)
          or exists (select from holds where holds.order_id = notices.order_id and holds.state <> 'held')) then 'dropped'
        when kind = 'progress' and exists (
          select from notices as newer
          where newer.order_id = notices.order_id and newer.kind = 'progress' and newer.notice_id > notices.notice_id) then 'replaced'
      end as ending
    from notices
    where ended_at is null and kind in ('progress', 'slow') and (lease_until is null or lease_until < at)
    for no key update skip locked
  ) as stale
  where notices.notice_id = stale.notice_id and stale.ending is not null
$$;
