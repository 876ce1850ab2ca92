-- How many videos the draft's confirmation offers.
alter table bot.drafts add column count integer not null default 1 constraint draft_count check (count in (1, 3, 5));
