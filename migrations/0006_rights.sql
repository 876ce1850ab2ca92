-- The admin role reads the books; the others only call functions. What people wrote, their Telegram ids, prompts and secrets of callbacks
-- stay out of it.
grant select on ledger.settings, ledger.accounts, ledger.transfers, ledger.entries, ledger.holds, ledger.order_groups,
  ledger.pauses, ledger.failure_classes, ledger.executions, ledger.deliveries, ledger.delivery_edits, ledger.request_counts,
  ledger.violations, ledger.showable to admin;
grant select (user_id, language, created_at, seen_at, unreachable_since, consented_at, consent_version) on ledger.people to admin;
grant select (order_id, group_id, position, user_id, credits, language, template, repeats, spec_hash, provider, model, seconds, aspect_ratio,
  audio, max_attempts, queue_seconds, generation_seconds, further_task_seconds, delivery_min_executions, delivery_execution_seconds,
  delivery_seconds, placed_at, claimed_by, claimed_at, admitted_at, slow_noted_at, relay_tries, relay_due_at, looked_at, changed_at)
  on ledger.orders to admin;
grant select (attempt_id, order_id, n, state, fence, lease_owner, lease_execution, lease_until, not_before, task_id, prompt_source,
  provider_state, opened_at, accepted_at, ended_at, failure_class, failure_message, video_key, video_sha256, video_bytes, video_seconds,
  video_width, video_height, follow_due_at, follow_until, followed) on ledger.attempts to admin;
grant select (notice_id, order_id, kind, written_at, due_at, lease_until, ended_at, ending) on ledger.notices to admin;
