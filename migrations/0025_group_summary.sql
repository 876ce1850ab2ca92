-- A group's one message at its end. It belongs to the group's first order, so that "once per order and kind" makes it once per group.
alter table ledger.notices drop constraint notice_kind;
alter table ledger.notices add constraint notice_kind check (
  kind in ('progress', 'slow', 'delivered', 'failed', 'unconfirmed', 'summary'));
