-- The token may have sold things before us. What was paid before these books were opened is not theirs to explain.
alter table bot.reconciliation add column since timestamptz not null default clock_timestamp();
