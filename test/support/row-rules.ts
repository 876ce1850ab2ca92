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
};

type Line = readonly [rule: string, change: string, where?: string];

/** What a row may not say. */
const changes: Readonly<Record<string, readonly Line[]>> = {
  accounts: [
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
    ['people_consent_has_version', 'consented_at = now(), consent_version = null'],
    ['people_language', "language = 'la'"],
  ],
  request_counts: [
    ['request_class', "class = ''"],
    ['request_operation', "operation = ''"],
    ['request_target', "target = 'moon'"],
  ],
  settings: [
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
    ['transfer_amount_positive', 'amount = 0'],
    ['transfer_direction', "kind = 'gift'"],
    ['transfer_of_hold', 'amount = amount + 1', 'order_id is not null'],
    ['transfers_credit_fkey', "credit = 'user/0/available'"],
    ['transfers_debit_fkey', "debit = 'user/0/available'"],
    ['transfers_user_id_fkey', 'user_id = -1', 'order_id is null'],
  ],
};

/** What there may be once; the second figure says which row shows it. */
const once: Readonly<Record<string, readonly (readonly [rule: string, where?: string])[]>> = {
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
  functions: [['functions_pkey']],
  holds: [['holds_pkey'], ['hold_facts']],
  migrations: [['migrations_pkey']],
  notices: [['notices_pkey'], ['one_outcome_notice_per_order', "kind <> 'progress'"]],
  order_groups: [['order_groups_pkey'], ['order_group_facts'], ['order_group_nonce_once']],
  orders: [['orders_pkey'], ['order_facts'], ['order_position_once']],
  pauses: [['one_open_suspension', "cause = 'suspended' and upper_inf(during)"]],
  people: [['people_pkey'], ['people_telegram_id_once', 'telegram_id is not null']],
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
  accounts: 'balance version',
  attempts: 'order_id n state fence lease_execution opened_at',
  deliveries: 'state fence lease_execution opened_at showing_tries',
  delivery_edits: 'kind begun_at',
  entries: 'transfer_id delta previous current',
  executions: 'executor opened_at',
  failure_classes: 'fault retry reason',
  functions: 'checksum',
  holds: 'user_id amount state held_at',
  migrations: 'name checksum applied_at',
  notices: 'order_id chat_id kind fact written_at due_at',
  order_groups: 'user_id nonce request_hash count unit_price total created_at',
  orders:
    'group_id position user_id credits chat_id language template product_text photo_key video_job spec_hash provider model seconds aspect_ratio audio max_attempts queue_seconds generation_seconds further_task_seconds delivery_min_executions delivery_execution_seconds delivery_seconds placed_at relay_tries relay_due_at looked_at changed_at',
  pauses: 'order_id cause during',
  people: 'language created_at seen_at',
  request_counts: 'count',
  settings: 'welcome_credits unit_price open_order_limit live_attempt_limit accepting_orders usual_seconds',
  submit_nonces: 'used_at',
  submit_tokens: 'taken',
  task_hints: 'noted_at due_at tries',
  transfers: 'idempotency_key kind user_id debit credit amount booked_at',
};

/** Every row that must not be. */
export const rowRules: readonly RowRule[] = [
  ...Object.entries(changes).flatMap(([table, lines]) =>
    lines.map(([rule, change, where = 'true']) => ({ rule, table, change, where })),
  ),
  ...Object.entries(once).flatMap(([table, lines]) =>
    lines.map(([rule, where = 'true']) => ({ rule, table, change: undefined, where })),
  ),
  ...Object.entries(required).flatMap(([table, columns]) =>
    columns
      .split(' ')
      .map((column) => ({ rule: `${table}.${column}`, table, change: `${column} = null`, where: 'true' })),
  ),
];

/** The statements that try it, for one transaction of the tables' owner that is rolled back. */
export function statementsOf({ rule, table, change, where }: RowRule): string[] {
  const attempt =
    change === undefined
      ? `insert into ledger.${table} overriding system value select * from ledger.${table} where ${where} limit 1`
      : `update ledger.${table} set ${change} where ctid = (select ctid from ledger.${table} where ${where} limit 1)`;
  return [strip(table, rule), attempt, 'set constraints all immediate'];
}

/** Takes away everything that could refuse a row of the table, but the one rule. */
function strip(table: string, rule: string): string {
  return `do $$ declare other record; begin
    alter table ledger.${table} disable trigger user;
    for other in select conname from pg_constraint
      where conrelid = 'ledger.${table}'::regclass and contype in ('c', 'f', 'p', 'u', 'x') and conname <> '${rule}'
    loop execute format('alter table ledger.${table} drop constraint if exists %I cascade', other.conname); end loop;
    for other in select indexrelid::regclass as name from pg_index join pg_class on pg_class.oid = indexrelid
      where indrelid = 'ledger.${table}'::regclass and indisunique and relname <> '${rule}'
        and not exists (select from pg_constraint where conindid = indexrelid)
    loop execute format('drop index %s', other.name); end loop;
  end $$`;
}
