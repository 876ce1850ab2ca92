-- A task and its video belong to one order. An answer, a callback or a program that confuses two of them is refused here, or one
-- person would be shown another's video.
create unique index one_attempt_per_task on ledger.attempts (task_id) where task_id is not null;
alter table ledger.attempts add constraint attempt_video_is_of_its_order check (
  video_key is null or starts_with(video_key, order_id || '/'));
