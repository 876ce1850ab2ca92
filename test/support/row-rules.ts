import { lonely, sampleOf } from './lonely-rule.ts';

/**
 * One row that must not be, tried with everything else on its table taken away: no trigger, no other constraint. So each of these
 * rules is seen to hold by itself, also where another one stands before it.
 */
export type RowRule = {
  /** The constraint or unique index that refuses; for a required column `table.column`. */
  readonly rule: string;
  readonly table: string;
  /** What a row that is there is changed to; undefined: the same row is added once more. */
  readonly change: string | undefined;
  /** Which row of the table; any, where nothing is said. */
  readonly where: string;
  /** What one row is made to say first, where none says it. */
  readonly given?: string | undefined;
};

type Line = readonly [rule: string, change: string, where?: string];

/** What a row may not say. */
const changes: Readonly<Record<string, readonly Line[]>> = {
  restore_marks: [
    ['restore_marks_audit_has_cause', "state = 'audit', cause = null"],
    ['restore_marks_cause', "cause = 'mood'"],
    ['restore_marks_counters', 'proposed = confirmed + 2'],
    ['restore_marks_is_one_row', 'only_row = false'],
    ['restore_marks_state', "state = 'mood'"],
  ],
  reclaims: [
    ['reclaim_claim_has_time', "new_uid = 'new', claimed_at = null"],
    ['reclaim_generation', 'generation = 0'],
    ['reclaim_is_another', 'new_uid = former_uid'],
    ['reclaims_order_id_fkey', "order_id = 'nowhere'"],
  ],
  rebuilt_orders: [['rebuilt_orders_order_id_fkey', "order_id = 'nowhere'"]],
  promos: [
    ['promo_code_letters', "code = 'NO WAY'"],
    ['promo_credits_positive', 'credits = 0'],
    ['promo_uses_limit', 'uses_limit = -1'],
  ],
  payments: [
    ['payment_charge', "charge_id = ''"],
    ['payment_in_stars', "currency = 'EUR'"],
    ['payment_matched_or_not', 'invoice_id = null'],
    ['payment_of_invoice', 'credits = 6'],
    ['payment_source', "source = 'rumour'"],
    ['payment_unmatched', "unmatched = 'mood'"],
  ],
  payment_resolutions: [['payment_resolutions_action_id_fkey', 'action_id = -2']],
  payment_refunds: [
    ['payment_refunds_action_id_fkey', 'action_id = -2'],
    ['payment_refunds_payment_id_fkey', 'payment_id = -2'],
    ['refund_answer', "answer = repeat('x', 501)"],
    ['refund_end_has_time', "state = 'done', ended_at = null"],
    ['refund_state', "state = 'lost'"],
  ],
  packages: [
    ['package_credits_positive', 'credits = 0'],
    ['package_letters', "package_id = 'NO WAY'"],
    ['package_stars_positive', 'stars = 0'],
    ['package_version', 'version = 0'],
  ],
  lost_orders: [['lost_order_letters', "order_id = 'SHOUTED00000'"]],
  invoices: [
    ['invoice_expires_later', 'expires_at = created_at'],
    ['invoice_letters', "invoice_id = 'SHOUTED'"],
    ['invoice_of_package', 'credits = 6'],
    ['invoices_user_id_fkey', 'user_id = -2'],
  ],
  chargebacks: [
    ['chargeback_source', "source = 'rumour'"],
    ['chargebacks_payment_id_fkey', 'payment_id = -2'],
  ],
  admin_actions: [
    ['admin_action_actor', "actor = ''"],
    ['admin_action_command', "command = ''"],
    ['admin_action_reason', "reason = ''"],
    ['admin_action_reference', "reference = ''"],
  ],
  accounts: [
    ['account_debt_has_no_parts', 'free_balance = 1', "account_id like '%/debt'"],
    ['account_free_part', 'free_balance = balance + 1', "account_id like '%/available'"],
    ['account_name', "account_id = 'sys/more'", 'user_id is null'],
    ['account_system_without_balance', 'balance = 1', 'user_id is null'],
    ['account_no_overdraft', 'balance = -1', 'user_id is not null'],
    ['accounts_user_id_fkey', 'user_id = -1', 'user_id is not null'],
  ],
  attempts: [
    ['attempt_accepted_has_task', "state = 'accepted', task_id = null"],
    ['attempt_ended', "state = 'abandoned', ended_at = null"],
    ['attempt_failed_has_class', "state = 'failed', failure_class = null"],
    ['attempt_failure_message', "failure_message = repeat('x', 501)"],
    ['attempt_followed', "followed = 'long'"],
    ['attempt_number', 'n = 0'],
    ['attempt_prompt_source', "prompt_source = 'rumour'"],
    ['attempt_provider_state', "provider_state = 'done'"],
    ['attempt_sent_has_nonce', "state = 'intent', submit_nonce = null"],
    ['attempt_state', "state = 'sent'"],
    ['attempt_succeeded_has_video', "state = 'succeeded', video_key = null"],
    ['attempt_video_is_of_its_order', "video_key = 'anotherorder/sha'"],
    ['attempt_video_is_whole', "video_key = order_id || '/sha', video_bytes = null"],
    ['attempt_video_when_made', "state = 'ready', video_key = order_id || '/sha'"],
    ['attempt_submit_nonce', "submit_nonce = 'never used'"],
    ['attempts_failure_class_fkey', "failure_class = 'no such class'"],
    ['attempts_order_id_fkey', "order_id = 'nowhere'"],
  ],
  deliveries: [
    ['delivery_shown_has_message', "state = 'shown', shown_at = null"],
    ['delivery_state', "state = 'sent'"],
    ['deliveries_failure_class_fkey', "failure_class = 'no such class'"],
    ['deliveries_order_id_fkey', "order_id = 'nowhere'"],
  ],
  delivery_edits: [
    ['edit_answer', "answer = 'perhaps'"],
    ['edit_kind', "kind = 'send'"],
    ['edit_meaning', "meaning = 'perhaps'"],
    ['edit_nonce_not_empty', "nonce = ''"],
    ['edit_of_order', "kind = 'void', order_id = order_id", 'order_id is not null'],
    ['edit_refusal_has_meaning', "answer = 'refused', meaning = null"],
    ['delivery_edits_failure_class_fkey', "failure_class = 'no such class'"],
    ['delivery_edits_order_id_fkey', "order_id = 'nowhere'"],
  ],
  entries: [
    ['entry_free_part', 'free_delta = delta * 2'],
    ['entry_adds_up', 'current = current + 1'],
    ['entries_account_id_fkey', "account_id = 'user/0/available'"],
    ['entries_transfer_id_fkey', 'transfer_id = -1'],
  ],
  executions: [
    ['execution_end_cause', "end_cause = 'Bored'"],
    ['execution_end_has_cause', 'ended_at = now(), end_cause = null'],
    ['execution_executor', "executor = 'hand'"],
    ['execution_number', 'n = 0'],
    ['execution_of_attempt', "stage = 'generation', attempt_n = null"],
    ['execution_stage', "stage = 'payment'"],
    ['executions_order_id_fkey', "order_id = 'nowhere'"],
  ],
  failure_classes: [
    ['failure_class_fault', "fault = 'fate'"],
    ['failure_class_retry', "retry = 'forever'"],
  ],
  holds: [
    ['hold_free_part', 'free_amount = amount + 1'],
    ['hold_amount_positive', 'amount = 0'],
    ['hold_reason', "state = 'captured', reason = 'Cancelled'"],
    ['hold_settled_has_reason', "state = 'released', reason = null, settled_at = null"],
    ['hold_state', "state = 'lost'"],
    ['hold_of_order', 'amount = amount + 1'],
    ['holds_user_id_fkey', 'user_id = -1'],
  ],
  notices: [
    ['notice_end_has_time', "ending = 'sent', ended_at = null"],
    ['notice_ending', "ending = 'lost'"],
    ['notice_kind', "kind = 'gossip'"],
    ['notices_order_id_fkey', "order_id = 'nowhere'"],
  ],
  order_groups: [
    ['order_group_count', 'count = 2'],
    ['order_group_nonce', "nonce = ''"],
    ['order_group_price', 'unit_price = 0'],
    ['order_group_refusal', "refused = 'Mood'"],
    ['order_group_total', 'total = total + 1'],
    ['order_groups_user_id_fkey', 'user_id = -1'],
  ],
  orders: [
    ['order_redacted_whole', "redacted_at = now(), product_text = 'a cup'"],
    ['order_admitted_after_claim', 'admitted_at = now(), claimed_by = null'],
    ['order_claim_has_time', "claimed_by = 'somebody', claimed_at = null"],
    ['order_delivery_execution_seconds', 'delivery_execution_seconds = 0'],
    ['order_delivery_min_executions', 'delivery_min_executions = 0'],
    ['order_delivery_seconds', 'delivery_seconds = 0'],
    ['order_further_task_seconds', 'further_task_seconds = 0'],
    ['order_generation_seconds', 'generation_seconds = 0'],
    ['order_id_letters', "order_id = 'SHOUTED00000'"],
    ['order_language', "language = 'la'"],
    ['order_max_attempts', 'max_attempts = 0'],
    ['order_queue_seconds', 'queue_seconds = 0'],
    ['order_template', "template = 'opera'"],
    ['order_has_hold', 'credits = credits + 1'],
    ['order_of_group', 'credits = credits + 1'],
  ],
  pauses: [
    ['pause_cause', "cause = 'tired'"],
    ['pauses_order_id_fkey', "order_id = 'nowhere'"],
  ],
  people: [
    ['forgotten_has_no_telegram_id', "telegram_id = 1, identity_hmac = repeat('a', 64)"],
    ['forgotten_has_time', "identity_hmac = repeat('a', 64), forgotten_at = null"],
    ['identity_hmac_is_hex', "identity_hmac = 'secret'"],
    ['people_referred_by_fkey', 'referred_by = -1'],
    ['referral_code_letters', "referral_code = 'SHOUTED'"],
    ['referrer_was_there_before', 'referred_by = user_id'],
    ['people_consent_has_version', 'consented_at = now(), consent_version = null'],
    ['people_language', "language = 'la'"],
  ],
  request_counts: [
    ['request_class', "class = ''"],
    ['request_operation', "operation = ''"],
    ['request_target', "target = 'moon'"],
  ],
  settings: [
    ['settings_invoice_seconds', 'invoice_seconds = 59'],
    ['settings_referral_credits', 'referral_credits = -1'],
    ['settings_referral_days', 'referral_days = -1'],
    ['settings_is_one_row', 'only_row = false'],
    ['settings_live_attempt_limit', 'live_attempt_limit = -1'],
    ['settings_open_order_limit', 'open_order_limit = -1'],
    ['settings_unit_price', 'unit_price = 0'],
    ['settings_usual_seconds', 'usual_seconds = 0'],
    ['settings_welcome_credits', 'welcome_credits = -1'],
  ],
  submit_nonces: [
    ['submit_answer', "answer = 'perhaps'"],
    ['submit_nonce_not_empty', "nonce = ''"],
    ['submit_task_is_accepted', "answer = 'refused', task_id = 'task'"],
    ['submit_void_has_no_answer', "attempt_id = null, answer = 'refused'"],
    ['submit_nonce_attempt', 'attempt_id = -1'],
  ],
  task_hints: [
    ['hint_task_id', "task_id = 'two words'"],
    ['hint_verdict', "verdict = 'perhaps'"],
    ['task_hints_nonce_fkey', "nonce = 'never used'"],
  ],
  transfers: [
    ['transfer_free_part', 'free_amount = amount + 1'],
    ['transfer_ground', 'order_id = null', 'order_id is not null'],
    ['transfer_of_chargeback', 'chargeback_of = -1'],
    ['transfer_of_payment', 'payment_id = -1'],
    ['transfer_of_promo', "promo_code = 'none'"],
    ['transfer_of_referral', 'referred_id = -1'],
    ['transfer_of_refund', 'refund_id = -1'],
    ['transfer_parts', 'free_amount = 0', "kind = 'welcome'"],
    ['transfers_action_id_fkey', 'action_id = -1'],
    ['transfers_repays_fkey', 'repays = -1'],
    ['transfer_amount_positive', 'amount = 0'],
    ['transfer_direction', "kind = 'gift'"],
    ['transfer_of_hold', 'amount = amount + 1', 'order_id is not null'],
    ['transfers_credit_fkey', "credit = 'user/0/available'"],
    ['transfers_debit_fkey', "debit = 'user/0/available'"],
    ['transfers_user_id_fkey', 'user_id = -1', 'order_id is null'],
  ],
};

/** What there may be once, the row that shows it, and what a row is made to say first. */
const once: Readonly<Record<string, readonly (readonly [rule: string, where?: string, given?: string])[]>> = {
  restore_marks: [['restore_marks_pkey']],
  reclaims: [['reclaims_pkey'], ['reclaim_former_once'], ['one_open_reclaim', 'new_uid is null']],
  rebuilt_orders: [['rebuilt_orders_pkey']],
  promos: [['promos_pkey'], ['promo_facts']],
  payments: [['payments_pkey'], ['payment_charge_once'], ['payment_of_invoice_once'], ['payment_facts']],
  payment_resolutions: [['payment_resolutions_pkey']],
  payment_refunds: [
    ['payment_refunds_pkey'],
    ['refund_facts'],
    ['refund_action_once'],
    ['one_refund_per_payment', "state <> 'refused'"],
  ],
  payment_conflicts: [['payment_conflicts_pkey'], ['payment_conflict_once']],
  packages: [['packages_pkey'], ['package_facts'], ['one_offered_version', 'offered']],
  lost_orders: [['lost_orders_pkey']],
  invoices: [['invoices_pkey'], ['invoice_facts']],
  chargebacks: [['chargebacks_pkey'], ['chargeback_facts']],
  admin_actions: [['admin_actions_pkey'], ['admin_reference_once', 'reference is not null']],
  accounts: [['accounts_pkey']],
  attempts: [
    ['attempts_pkey'],
    ['attempt_once'],
    ['one_live_attempt', "state in ('ready', 'intent', 'unknown', 'accepted', 'succeeded')"],
    ['one_attempt_per_task', 'task_id is not null'],
  ],
  deliveries: [['deliveries_pkey']],
  delivery_edits: [['delivery_edits_pkey']],
  entries: [['entries_pkey'], ['entry_once_per_account']],
  executions: [['executions_pkey'], ['one_open_execution', 'ended_at is null']],
  failure_classes: [['failure_classes_pkey']],
  generation_times: [['generation_times_pkey']],
  order_changes: [['order_changes_pkey']],
  functions: [['functions_pkey']],
  holds: [['hold_parts'], ['holds_pkey'], ['hold_facts']],
  migrations: [['migrations_pkey']],
  notices: [['notices_pkey'], ['one_outcome_notice_per_order', "kind <> 'progress'"]],
  order_groups: [['order_groups_pkey'], ['order_group_facts'], ['order_group_nonce_once']],
  orders: [['orders_pkey'], ['order_facts'], ['order_position_once']],
  pauses: [['one_open_suspension', "cause = 'suspended' and upper_inf(during)"]],
  people: [
    ['people_identity_once', 'identity_hmac is not null', "identity_hmac = repeat('a', 64)"],
    ['referral_code_once'],
    ['person_and_referrer', 'referred_by is not null', 'referred_by = user_id'],
    ['people_pkey'],
    ['people_telegram_id_once', 'telegram_id is not null'],
  ],
  request_counts: [['request_counts_pkey']],
  settings: [['settings_pkey']],
  submit_nonces: [['submit_nonces_pkey'], ['submit_nonce_of_attempt', 'attempt_id is not null']],
  submit_tokens: [['submit_tokens_pkey']],
  task_hints: [['task_hints_pkey']],
  transfers: [
    ['transfers_pkey'],
    ['transfer_key_once'],
    ['one_hold_per_order', "kind = 'hold'"],
    ['one_settlement_per_order', "kind in ('capture', 'release')"],
  ],
};

/** Columns without which a row says nothing. Those of a primary key and identities are so by themselves. */
const required: Readonly<Record<string, string>> = {
  accounts: 'balance version free_balance',
  admin_actions: 'actor session_role command subject reason outcome acted_at',
  attempts: 'order_id n state fence lease_execution opened_at',
  chargebacks: 'noted_at source',
  deliveries: 'state fence lease_execution opened_at showing_tries',
  delivery_edits: 'kind begun_at',
  entries: 'transfer_id delta previous current free_delta',
  executions: 'executor opened_at',
  failure_classes: 'fault retry reason',
  functions: 'checksum',
  holds: 'user_id amount state held_at free_amount',
  invoices: 'user_id package_id package_version credits stars created_at expires_at',
  lost_orders: 'epoch noted_at',
  migrations: 'name checksum applied_at',
  notices: 'order_id chat_id kind fact written_at due_at',
  generation_times: 'model placed_at seconds',
  order_changes: 'changed_at',
  order_groups: 'user_id nonce request_hash count unit_price total created_at',
  orders:
    'group_id position user_id credits chat_id language template product_text photo_key video_job spec_hash provider model seconds aspect_ratio audio max_attempts queue_seconds generation_seconds further_task_seconds delivery_min_executions delivery_execution_seconds delivery_seconds placed_at relay_tries relay_due_at looked_at',
  packages: 'credits stars offered created_at',
  pauses: 'order_id cause during',
  payment_conflicts: 'charge_id said noted_at',
  payment_refunds: 'payment_id state action_id requested_at tries due_at',
  payment_resolutions: 'charge_id resolved_at',
  payments: 'charge_id currency stars received_at source',
  people: 'language created_at seen_at referral_code',
  promos: 'credits',
  rebuilt_orders: 'epoch mirrored rebuilt_at',
  reclaims: 'former_uid opened_at',
  request_counts: 'count',
  restore_marks: 'state epoch proposed confirmed',
  settings:
    'welcome_credits unit_price open_order_limit live_attempt_limit accepting_orders usual_seconds referral_credits referral_days invoice_seconds',
  submit_nonces: 'used_at',
  submit_tokens: 'taken',
  task_hints: 'noted_at due_at tries',
  transfers: 'idempotency_key kind user_id debit credit amount booked_at free_amount',
};

/** Every row that must not be. */
export const rowRules: readonly RowRule[] = [
  ...Object.entries(changes).flatMap(([table, lines]) =>
    lines.map(([rule, change, where = 'true']) => ({ rule, table, change, where })),
  ),
  ...Object.entries(once).flatMap(([table, lines]) =>
    lines.map(([rule, where = 'true', given]) => ({ rule, table, change: undefined, where, given })),
  ),
  ...Object.entries(required).flatMap(([table, columns]) =>
    columns
      .split(' ')
      .map((column) => ({ rule: `${table}.${column}`, table, change: `${column} = null`, where: 'true' })),
  ),
];

/** The statements that try it, for one transaction of the tables' owner that is rolled back. */
export function statementsOf({ rule, table, change, where, given }: RowRule): string[] {
  const one = (condition: string): string =>
    `where ctid = (select ctid from ledger.${table} where ${condition} limit 1)`;
  const attempt =
    change === undefined
      ? `insert into ledger.${table} overriding system value select * from ledger.${table} where ${where} limit 1`
      : `update ledger.${table} set ${change} ${one(where)}`;
  const first = given === undefined ? [] : [`update ledger.${table} set ${given} ${one('true')}`];
  return [lonely(table, rule), ...sampleOf(table), ...first, attempt, 'set constraints all immediate'];
}
