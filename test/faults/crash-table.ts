/*
 * The crash table: every point at which something can die, stay silent or come twice on one order's way, what then remains, and who
 * repairs it. Both benches count the rows they struck from what was really done to which effect, by `rowsStruck`.
 */

/** An effect on an order's way, in the design's words: what one side does to another and may lose the answer of. */
export const STEPS = [
  'inbox',
  'confirm updates',
  'place_orders',
  'answer the tap',
  'relay POST',
  'claim',
  'admission',
  'open_execution',
  'generation Job',
  'lease_attempt',
  'begin_submit',
  'createTask',
  'answer_submit',
  'status mirror',
  'callback',
  'recordInfo',
  'download',
  'store',
  'succeeded',
  'delivery Job',
  'lease_delivery',
  'begin_edit',
  'editMessageMedia',
  'shown',
  'Job end',
  'close_order',
  'cancel_order',
  'notices',
  'finalizer',
  'watch',
  'payments',
  'payment refund',
  'failover',
  'clocks',
] as const;
export type Step = (typeof STEPS)[number];

/** What was done to an effect. */
export type Fault =
  /** Its maker died, or was cut off, before it reached the other side. */
  | 'before'
  /** It happened, and its maker never heard so: the answer was lost, or the maker died. */
  | 'after'
  /** It was asked for twice. */
  | 'twice'
  /** Two askers met over it. */
  | 'raced'
  /** It arrived long after its maker had given up, and before the order ended. */
  | 'delayed'
  /** It arrived when the order it was for had been settled and its object was gone. */
  | 'late'
  /** The other side said a definite no. */
  | 'refused'
  /** The other side could not be reached for a while. */
  | 'away'
  /** It never happened, or its news never came. */
  | 'lost'
  /** Somebody made it up. */
  | 'forged'
  /** The other side says it knows nothing of it. */
  | 'forgotten'
  /** It was seen as it had been long before. */
  | 'stale'
  /** A person took it away, made it by hand, or made it again under the same name. */
  | 'stripped'
  | 'hand-made'
  | 'recreated'
  /** A clock of one machine moved. */
  | 'jumped';

/** One fault that a bench really struck an effect with. */
export interface Strike {
  readonly step: Step;
  readonly fault: Fault;
}

export type Bench = 'simulation' | 'real';

export interface CrashRow {
  readonly row: number;
  readonly step: Step;
  /** What happens, for a person. */
  readonly happens: string;
  /** Any of these is this row. */
  readonly strikes: readonly Strike[];
  readonly remains: string;
  readonly repairedBy: string;
  /** Whether the bench can strike it; if not, why. */
  readonly simulation: true | string;
  readonly real: true | string;
}

const on = (step: Step, ...faults: readonly Fault[]): Strike[] => faults.map((fault) => ({ step, fault }));

export const CRASH_TABLE: readonly CrashRow[] = [
  {
    row: 1,
    step: 'inbox',
    happens: 'the bot dies before the update is stored',
    strikes: on('inbox', 'before'),
    remains: 'nothing',
    repairedBy: 'Telegram sends the update again: it was not confirmed',
    simulation: true,
    real: true,
  },
  {
    row: 2,
    step: 'place_orders',
    happens: 'the connection is lost around COMMIT',
    strikes: on('place_orders', 'before', 'after'),
    remains: 'the group of orders with all its holds, or nothing',
    repairedBy: 'the update is taken again; the same nonce answers `exists`',
    simulation: true,
    real: true,
  },
  {
    row: 3,
    step: 'answer the tap',
    happens: 'placed, and the bot dies before it answers the tap',
    strikes: on('answer the tap', 'before', 'after'),
    remains: 'the hold; the tapped message stands as it was',
    repairedBy: 'the relay needs no message; the progress notice edits the tapped one',
    simulation: true,
    real: true,
  },
  {
    row: 4,
    step: 'confirm updates',
    happens: 'stored, and the bot dies before it confirms the update',
    strikes: on('confirm updates', 'before', 'after'),
    remains: 'the update comes again',
    repairedBy: 'unique (update_id), and unique (user, nonce) behind it',
    simulation: true,
    real: true,
  },
  {
    row: 5,
    step: 'place_orders',
    happens: 'the same tap is handled by two replicas at once',
    strikes: on('place_orders', 'raced'),
    remains: 'one group of orders',
    repairedBy: 'unique (user, nonce)',
    simulation: true,
    real: true,
  },
  {
    row: 6,
    step: 'relay POST',
    happens: 'the relay dies before the POST',
    strikes: on('relay POST', 'before'),
    remains: 'the hold, no object',
    repairedBy: 'the relay: due again 2 to 20 s later until claimed',
    simulation: true,
    real: true,
  },
  {
    row: 7,
    step: 'relay POST',
    happens: 'the POST was done and its answer is lost',
    strikes: on('relay POST', 'after'),
    remains: 'the hold and the object',
    repairedBy: 'the next POST: AlreadyExists with the same hash; or the claim comes first',
    simulation: true,
    real: true,
  },
  {
    row: 8,
    step: 'relay POST',
    happens: 'the POST arrives after the order was settled and its object deleted',
    strikes: on('relay POST', 'late'),
    remains: 'a new object with another UID over a settled hold',
    repairedBy: 'the claim is refused or answered with the end: no work, no paid call',
    simulation: true,
    real: true,
  },
  {
    row: 9,
    step: 'relay POST',
    happens: 'two relays post the same order',
    strikes: on('relay POST', 'raced', 'twice'),
    remains: 'one object, one AlreadyExists',
    repairedBy: 'the API server: one name',
    simulation: true,
    real: true,
  },
  {
    row: 10,
    step: 'relay POST',
    happens: 'the API server is away',
    strikes: on('relay POST', 'away'),
    remains: 'the hold',
    repairedBy: 'the relay repeats; past the queue clock it closes the unclaimed order',
    simulation: true,
    real: true,
  },
  {
    row: 11,
    step: 'claim',
    happens: 'the controller dies before the claim',
    strikes: on('claim', 'before'),
    remains: 'the object, the hold unclaimed',
    repairedBy: 'the next pass, or the next leader',
    simulation: true,
    real: true,
  },
  {
    row: 12,
    step: 'claim',
    happens: 'claimed, and the answer is lost',
    strikes: on('claim', 'after'),
    remains: 'the claim',
    repairedBy: 'asked again, the same UID hears "yours"',
    simulation: true,
    real: true,
  },
  {
    row: 13,
    step: 'claim',
    happens: 'two leaders at once: a paused one comes back',
    strikes: on('claim', 'raced', 'twice'),
    remains: 'one claim, of the same UID',
    repairedBy: 'nothing to repair: each step is a compare-and-set in PostgreSQL',
    simulation: true,
    real: true,
  },
  {
    row: 14,
    step: 'begin_submit',
    happens: 'the runner dies before begin_submit',
    strikes: on('begin_submit', 'before'),
    remains: 'an attempt that is `ready`',
    repairedBy: 'the next execution adopts it',
    simulation: true,
    real: true,
  },
  {
    row: 15,
    step: 'createTask',
    happens: 'begin_submit committed, and nothing was sent',
    strikes: [...on('begin_submit', 'after'), ...on('createTask', 'before')],
    remains: '`intent`, nothing paid; looks like row 16',
    repairedBy: '`unknown` with the next lease; followed to the generation clock, never submitted again',
    simulation: true,
    real: true,
  },
  {
    row: 16,
    step: 'createTask',
    happens: 'the provider made the task and its answer is lost',
    strikes: on('createTask', 'after'),
    remains: '`intent` or `unknown`, a paid task runs',
    repairedBy: 'the callback names the task; else the generation clock closes and it is `abandoned`',
    simulation: true,
    real: true,
  },
  {
    row: 17,
    step: 'createTask',
    happens: 'a sure refusal: not sent, 429, 402, 4xx',
    strikes: on('createTask', 'refused'),
    remains: '`ready` with `not_before`, or `rejected`',
    repairedBy: 'the same attempt is submitted later under a new nonce, or a verdict stands',
    simulation: true,
    real: true,
  },
  {
    row: 18,
    step: 'answer_submit',
    happens: 'the runner dies with the task id in its memory',
    strikes: on('answer_submit', 'before', 'after'),
    remains: 'as row 16',
    repairedBy: 'as row 16',
    simulation: true,
    real: true,
  },
  {
    row: 19,
    step: 'answer_submit',
    happens: 'PostgreSQL is away when the provider has answered',
    strikes: on('answer_submit', 'away'),
    remains: 'as row 16, with the answer in memory',
    repairedBy: 'the runner repeats the write, by its nonce alone, until PostgreSQL is back',
    simulation: true,
    real: true,
  },
  {
    row: 20,
    step: 'status mirror',
    happens: 'the controller dies around the status write',
    strikes: on('status mirror', 'before', 'after'),
    remains: 'PostgreSQL knows more than the status',
    repairedBy: 'the next pass; PostgreSQL wins',
    simulation: true,
    real: true,
  },
  {
    row: 21,
    step: 'callback',
    happens: 'a callback is lost, forged or repeated',
    strikes: on('callback', 'lost', 'forged', 'twice'),
    remains: 'the attempt as it was',
    repairedBy: 'polling; a callback is only a hint that the provider itself must confirm',
    simulation: true,
    real: true,
  },
  {
    row: 22,
    step: 'recordInfo',
    happens: 'the provider forgets the task',
    strikes: on('recordInfo', 'forgotten'),
    remains: '`accepted`',
    repairedBy: 'followed to the generation clock, then closed; never paid for again in this order',
    simulation: true,
    real: true,
  },
  {
    row: 23,
    step: 'download',
    happens: 'the runner dies, or the body breaks off, in the download',
    strikes: [...on('download', 'before', 'after'), ...on('store', 'before', 'after')],
    remains: 'nothing, or a file under its hash that nobody names',
    repairedBy: 'the next look downloads it again',
    simulation: true,
    real: true,
  },
  {
    row: 24,
    step: 'succeeded',
    happens: 'the runner dies around `succeeded`',
    strikes: on('succeeded', 'before', 'after'),
    remains: '`accepted` with a stored file, or `succeeded`',
    repairedBy: 'the next execution looks again; the write is a compare-and-set',
    simulation: true,
    real: true,
  },
  {
    row: 25,
    step: 'delivery Job',
    happens: 'the controller dies around the POST of the delivery Job',
    strikes: on('delivery Job', 'before', 'after'),
    remains: 'an execution row, with or without its Job',
    repairedBy: 'the next pass: the same name again; AlreadyExists with our owner is the Job',
    simulation: true,
    real: true,
  },
  {
    row: 26,
    step: 'lease_delivery',
    happens: 'the pod dies before it edits',
    strikes: [
      ...on('lease_delivery', 'after'),
      ...on('begin_edit', 'before', 'after'),
      ...on('editMessageMedia', 'before'),
    ],
    remains: 'a lease, and perhaps a begun edit',
    repairedBy: 'the next execution takes the lease at once and edits the same message',
    simulation: true,
    real: true,
  },
  {
    row: 27,
    step: 'editMessageMedia',
    happens: 'Telegram showed the video and its answer is lost',
    strikes: on('editMessageMedia', 'after'),
    remains: 'the person has the video, the credits are held, an edit is unanswered',
    repairedBy: 'the next execution edits the same message again: "not modified" is shown; credits cannot go back',
    simulation: true,
    real: true,
  },
  {
    row: 28,
    step: 'shown',
    happens: 'the pod dies before it writes `shown`',
    strikes: on('shown', 'before'),
    remains: 'as row 27',
    repairedBy: 'as row 27',
    simulation: true,
    real: true,
  },
  {
    row: 29,
    step: 'shown',
    happens: 'the outcome of the COMMIT of `shown` is unknown',
    strikes: on('shown', 'after'),
    remains: 'captured or not',
    repairedBy: 'the same call again finds out',
    simulation: true,
    real: true,
  },
  {
    row: 30,
    step: 'Job end',
    happens: 'the pod dies after `shown`: the Job has failed',
    strikes: on('Job end', 'after'),
    remains: 'captured, and a failed Job',
    repairedBy: 'nothing: the row says captured',
    simulation: true,
    real: true,
  },
  {
    row: 31,
    step: 'lease_delivery',
    happens: 'two pods of one delivery at once',
    strikes: on('lease_delivery', 'raced', 'twice'),
    remains: 'two senders',
    repairedBy: 'the lease; the loser does nothing, or edits the same message',
    simulation: true,
    real: true,
  },
  {
    row: 32,
    step: 'Job end',
    happens: 'the Job is gone before the controller saw it complete',
    strikes: on('Job end', 'lost'),
    remains: 'the verdict in the row',
    repairedBy: 'the controller reads PostgreSQL, not the Job',
    simulation: true,
    real: true,
  },
  {
    row: 33,
    step: 'close_order',
    happens: 'the controller dies around close_order',
    strikes: on('close_order', 'before', 'after'),
    remains: 'held, or released',
    repairedBy: 'the next pass; asked again, the function answers how it ended',
    simulation: true,
    real: true,
  },
  {
    row: 34,
    step: 'close_order',
    happens: 'a release races the capture',
    strikes: [...on('close_order', 'raced'), ...on('cancel_order', 'raced')],
    remains: 'exactly one of them',
    repairedBy: "the hold's lock; the loser adopts the outcome",
    simulation: true,
    real: true,
  },
  {
    row: 35,
    step: 'notices',
    happens: 'settled, and the status or the message about it is lost',
    strikes: on('notices', 'before', 'after'),
    remains: 'credits returned, the person not told',
    repairedBy: 'the next pass writes the status; the notice row is due again',
    simulation: true,
    real: true,
  },
  {
    row: 36,
    step: 'finalizer',
    happens: 'deleted while PostgreSQL is away',
    strikes: on('finalizer', 'away'),
    remains: 'an object that waits for its deletion',
    repairedBy: 'the next pass once PostgreSQL is back',
    simulation: true,
    real: true,
  },
  {
    row: 37,
    step: 'finalizer',
    happens: 'somebody strips the finalizer and deletes the object',
    strikes: on('finalizer', 'stripped'),
    remains: 'an open hold without an object',
    repairedBy: 'two quorum GETs a minute apart, then closed as deleted',
    simulation: true,
    real: true,
  },
  {
    row: 38,
    step: 'claim',
    happens: 'the object is deleted and made again by hand under the same name',
    strikes: on('claim', 'recreated'),
    remains: 'another UID',
    repairedBy: 'the claim is refused; the claimant counts as gone',
    simulation: true,
    real: true,
  },
  {
    row: 39,
    step: 'claim',
    happens: 'an object is made by hand for no order',
    strikes: on('claim', 'hand-made'),
    remains: 'an object',
    repairedBy: 'the claim is refused: no work, no paid call',
    simulation: true,
    real: true,
  },
  {
    row: 40,
    step: 'watch',
    happens: 'a stale LIST shows an old object',
    strikes: on('watch', 'stale'),
    remains: 'an old view',
    repairedBy: 'nothing: PostgreSQL refuses what is over',
    simulation: true,
    real: true,
  },
  {
    row: 41,
    step: 'watch',
    happens: 'a watch is silently dead',
    strikes: on('watch', 'lost'),
    remains: 'nothing moves',
    repairedBy: 'NOTIFY, and every 15 s the orders that PostgreSQL says are due',
    simulation: true,
    real: true,
  },
  {
    row: 42,
    step: 'payments',
    happens: 'the update about a payment is lost or repeated',
    strikes: on('payments', 'lost', 'twice', 'before', 'after'),
    remains: 'a missing top-up, or the same one',
    repairedBy: 'unique charge id; reconciliation with the list of transactions',
    simulation: 'the simulation plays orders; payments are struck on the real ledger',
    real: true,
  },
  {
    row: 43,
    step: 'payment refund',
    happens: 'Telegram refunded and its answer is lost',
    strikes: on('payment refund', 'after', 'before'),
    remains: 'an intent, the credits already taken',
    repairedBy: 'asked again: CHARGE_ALREADY_REFUNDED is done',
    simulation: 'the simulation plays orders; payments are struck on the real ledger',
    real: true,
  },
  {
    row: 44,
    step: 'failover',
    happens: 'an older PostgreSQL takes over: acknowledged commits are gone',
    strikes: on('failover', 'lost'),
    remains: 'objects that know more than the books',
    repairedBy: 'audit mode: no claim, no submit, no settlement until a person resolved it',
    simulation: 'the model of PostgreSQL has no older self; the restore drills play it on the real one',
    real: 'a system whose books went back cannot be judged by what it did before; the restore drills play it on a real PostgreSQL',
  },
  {
    row: 45,
    step: 'clocks',
    happens: 'the clock of a process jumps',
    strikes: on('clocks', 'jumped'),
    remains: 'leases that seem to last longer or shorter',
    repairedBy: "nothing: only PostgreSQL's clock decides, and every write is a compare-and-set",
    simulation: true,
    real: true,
  },
];

const rowsByStrike = new Map<string, readonly number[]>();
for (const { row, strikes } of CRASH_TABLE) {
  for (const { step, fault } of strikes) {
    const key = `${step}/${fault}`;
    rowsByStrike.set(key, [...(rowsByStrike.get(key) ?? []), row]);
  }
}

/** The rows that one strike is an instance of; most often one, none for a strike the table does not list. */
export function rowsStruck({ step, fault }: Strike): readonly number[] {
  return rowsByStrike.get(`${step}/${fault}`) ?? [];
}

/** The rows a bench has to hit. */
export function reachableRows(bench: Bench): readonly number[] {
  return CRASH_TABLE.filter((row) => row[bench] === true).map(({ row }) => row);
}
