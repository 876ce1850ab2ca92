import type { ForbiddenStatement, Scene } from './forbidden-statements.ts';

/** A forbidden statement about money, with what it is said of. */
const forbidden = (
  sentence: string,
  rule: string,
  statements: (scene: Scene) => readonly string[],
): ForbiddenStatement => ({ sentence, rule, statements });

const atCommit = 'set constraints all immediate';
/** An act of an operator that nothing stands on yet. */
const act = `insert into ledger.admin_actions (actor, command, subject, reason, outcome) values ('tester', 'grant', '{}', 'a test', '{}')`;
const lastAct = '(select max(action_id) from ledger.admin_actions)';
const paymentOf = (chargeId: string): string =>
  `(select payment_id from ledger.payments where charge_id = '${chargeId}')`;
const userOf = (chargeId: string): string => `(select user_id from ledger.payments where charge_id = '${chargeId}')`;
const refundOf = (chargeId: string): string =>
  `(select refund_id from ledger.payment_refunds where payment_id = ${paymentOf(chargeId)})`;

type Movement = {
  readonly kind: string;
  /** As SQL expressions. */
  readonly user: string | number;
  readonly key: string;
  readonly amount: number;
  readonly free: number;
  /** The column of its ground and the value there. */
  readonly ground?: readonly [column: string, value: string];
};

const sides: Readonly<Record<string, readonly [debit: string, credit: string]>> = {
  welcome: ['sys/grants', 'available'],
  referral: ['sys/grants', 'available'],
  promo: ['sys/grants', 'available'],
  grant: ['sys/grants', 'available'],
  topup: ['sys/sales', 'available'],
  hold: ['available', 'held'],
  refund: ['available', 'sys/sales'],
  'refund-return': ['sys/sales', 'available'],
  chargeback: ['available', 'sys/sales'],
  'chargeback-debt': ['debt', 'sys/sales'],
  repay: ['available', 'debt'],
  writeoff: ['sys/writeoff', 'available'],
  forfeit: ['available', 'sys/writeoff'],
};

/** A row of transfers as it would have to look. */
function movement({ kind, user, key, amount, free, ground }: Movement): string {
  const [debit = '', credit = ''] = sides[kind] ?? [];
  const account = (name: string): string =>
    name.startsWith('sys/') ? `'${name}'` : `'user/' || user_id || '/${name}'`;
  return `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount${ground === undefined ? '' : `, ${ground[0]}`})
    select ${key}, '${kind}', user_id, ${account(debit)}, ${account(credit)}, ${amount}, ${free}${ground === undefined ? '' : `, ${ground[1]}`}
    from ledger.people where user_id = ${user}`;
}

const grant = (user: string | number, amount = 5, free = amount): string =>
  movement({ kind: 'grant', user, key: `'admin:' || ${lastAct}`, amount, free, ground: ['action_id', lastAct] });

/** A payment of the buyer's open invoice, said in these words. */
const pay = (
  { money }: Scene,
  said: Partial<Record<'charge' | 'invoice' | 'user' | 'currency' | 'stars', string>> = {},
): string =>
  `insert into ledger.payments (charge_id, invoice_id, user_id, credits, telegram_id, currency, stars, source)
   values ('${said.charge ?? 'by hand'}', '${said.invoice ?? money.openInvoice}', ${said.user ?? money.buyer.userId}, 10, 1,
     '${said.currency ?? 'XTR'}', ${said.stars ?? 100}, 'update')`;

/** One more order of the same person, as far as its hold. */
const copyOrder = (order: string, free: number): string[] => [
  'alter table ledger.orders disable trigger read_video_job',
  `insert into ledger.orders select (jsonb_populate_record(o, jsonb_build_object('order_id', 'zzzzzzzzzzzz', 'position', 9))).*
     from ledger.orders as o where order_id = '${order}'`,
  `insert into ledger.holds (order_id, user_id, amount, free_amount)
     select order_id, user_id, credits, ${free} from ledger.orders where order_id = 'zzzzzzzzzzzz'`,
];

/** What no statement may do to money that came from outside, or that was given. */
export const forbiddenMoney: readonly ForbiddenStatement[] = [
  forbidden('a top-up without a payment', 'transfer_of_payment', ({ money }) => [
    movement({
      kind: 'topup',
      user: money.buyer.userId,
      key: `'topup:-1'`,
      amount: 10,
      free: 0,
      ground: ['payment_id', '-1'],
    }),
  ]),
  forbidden('a payment topped up twice', 'transfer_key_once', ({ money }) => {
    const payment = paymentOf(money.paid.chargeId);
    const key = `'topup:' || ${payment}`;
    return [
      movement({ kind: 'topup', user: money.buyer.userId, key, amount: 10, free: 0, ground: ['payment_id', payment] }),
    ];
  }),
  forbidden('bought credits called free', 'transfer_parts', (scene) => [
    pay(scene),
    movement({
      ...{
        kind: 'topup',
        user: scene.money.buyer.userId,
        key: `'topup:' || ${paymentOf('by hand')}`,
        amount: 10,
        free: 10,
      },
      ground: ['payment_id', paymentOf('by hand')],
    }),
  ]),
  forbidden('granted credits called bought', 'transfer_parts', ({ money }) => [act, grant(money.buyer.userId, 5, 0)]),
  forbidden('a movement with the ground of another kind', 'transfer_ground', ({ money }) => [
    act,
    movement({
      ...{ kind: 'forfeit', user: money.buyer.userId, key: `'forfeit:' || user_id || ':1'`, amount: 13, free: 3 },
      ground: ['action_id', lastAct],
    }),
  ]),
  forbidden('a payment without its top-up', 'payment_has_its_topup', (scene) => [pay(scene), atCommit]),
  forbidden('a payment for somebody else’s invoice', 'payment_of_invoice', (scene) => [
    pay(scene, { user: String(scene.stranger.userId) }),
  ]),
  forbidden('a payment of another sum than its invoice', 'payment_of_invoice', (scene) => [pay(scene, { stars: '1' })]),
  forbidden('an invoice paid twice', 'payment_of_invoice_once', (scene) => [
    pay(scene, { invoice: scene.money.paid.invoiceId ?? '' }),
  ]),
  forbidden('a charge booked twice', 'payment_charge_once', (scene) => [
    pay(scene, { charge: scene.money.paid.chargeId }),
  ]),
  forbidden('credits for other money than Stars', 'payment_in_stars', (scene) => [pay(scene, { currency: 'RUB' })]),
  forbidden('an invoice for more than its package', 'invoice_of_package', ({ money }) => [
    `insert into ledger.invoices (user_id, package_id, package_version, credits, stars, expires_at)
     values (${money.buyer.userId}, 'scene', 1, 1000, 100, now() + interval '1 hour')`,
  ]),
  forbidden('a package whose price changes', 'package_facts_stay', () => [
    "update ledger.packages set stars = 1 where package_id = 'scene'",
  ]),
  forbidden('two prices of one package at a time', 'one_offered_version', () => [
    "insert into ledger.packages (package_id, version, credits, stars) values ('scene', 2, 10, 1)",
  ]),
  forbidden('a payment that becomes another', 'payment_facts_stay', ({ money }) => [
    `update ledger.payments set stars = 1 where charge_id = '${money.paid.chargeId}'`,
  ]),
  forbidden(
    'a payment that forgets a person who is here',
    'payment_of_forgotten_person_loses_its_telegram_id',
    ({ money }) => [`update ledger.payments set telegram_id = null where charge_id = '${money.paid.chargeId}'`],
  ),
  forbidden('a second refund of one payment', 'one_refund_per_payment', ({ money }) => [
    act,
    refund(money.refunding.chargeId),
  ]),
  forbidden('a refund without its credits', 'refund_matches_its_transfers', ({ money }) => [
    act,
    refund(money.paid.chargeId),
    atCommit,
  ]),
  forbidden('a refund of a part', 'payment_goes_back_whole', ({ money }) => [
    act,
    refund(money.paid.chargeId, { credits: '9' }),
  ]),
  forbidden('a refund that takes nobody’s credits', 'payment_goes_back_whole', ({ money }) => [
    act,
    refund(money.paid.chargeId, { user: 'null', credits: 'null' }),
  ]),
  forbidden('a refund that begins done', 'refund_begins_as_intent', ({ money }) => [
    act,
    refund(money.paid.chargeId, { state: 'done' }),
  ]),
  forbidden('a refund of what was charged back', 'payment_goes_back_once', ({ money }) => [
    act,
    refund(money.chargedBack.chargeId),
  ]),
  forbidden('a chargeback of what is being refunded', 'payment_goes_back_once', ({ money }) => [
    chargeback(money.refunding.chargeId),
  ]),
  forbidden('a chargeback of a part', 'payment_goes_back_whole', ({ money }) => [chargeback(money.paid.chargeId, '9')]),
  forbidden('a refused refund that keeps the credits', 'refund_matches_its_transfers', ({ money }) => [
    `update ledger.payment_refunds set state = 'refused', ended_at = now() where refund_id = ${refundOf(money.refunding.chargeId)}`,
    atCommit,
  ]),
  forbidden('credits of a refund brought back while it is open', 'refund_returns_when_refused', ({ money }) => [
    movement({
      ...{ kind: 'refund-return', user: userOf(money.refunding.chargeId), amount: 10, free: 0 },
      key: `'refund-return:' || ${refundOf(money.refunding.chargeId)}`,
      ground: ['refund_id', refundOf(money.refunding.chargeId)],
    }),
    'set constraints ledger.transfer_matches_its_ground immediate',
  ]),
  forbidden('a refund that ended, ended otherwise', 'refund_ends_once', ({ money }) => [
    `update ledger.payment_refunds set state = 'done' where refund_id = ${refundOf(money.kept.chargeId)}`,
  ]),
  forbidden('a refund of another payment', 'refund_facts_stay', ({ money }) => [
    `update ledger.payment_refunds set payment_id = ${paymentOf(money.paid.chargeId)} where refund_id = ${refundOf(money.refunding.chargeId)}`,
  ]),
  forbidden('a refund out of granted credits', 'account_free_part', ({ money }) => [
    // Nine of the ten bought ones are gone by a way that no rule would allow.
    'alter table ledger.accounts disable trigger user',
    `update ledger.accounts set free_balance = 12 where account_id = 'user/${money.buyer.userId}/available'`,
    'alter table ledger.accounts enable trigger user',
    act,
    refund(money.paid.chargeId),
    movement({
      ...{
        kind: 'refund',
        user: money.buyer.userId,
        amount: 10,
        free: 0,
        key: `'refund:' || ${refundOf(money.paid.chargeId)}`,
      },
      ground: ['refund_id', refundOf(money.paid.chargeId)],
    }),
  ]),
  forbidden('a chargeback that takes nothing', 'chargeback_takes_or_owes_all', ({ money }) => [
    chargeback(money.paid.chargeId),
    atCommit,
  ]),
  forbidden('a chargeback that takes free credits first', 'chargeback_takes_bought_first', ({ money }) => [
    chargeback(money.paid.chargeId),
    takeBack('chargeback', money.paid.chargeId, 10, 3),
  ]),
  forbidden('a chargeback that owes more than was paid', 'chargeback_takes_no_more', ({ money }) => [
    takeBack('chargeback-debt', money.chargedBack.chargeId, 1, 0),
    atCommit,
  ]),
  forbidden('a chargeback that nobody made', 'transfer_of_chargeback', ({ money }) => [
    takeBack('chargeback', money.paid.chargeId, 10, 0),
  ]),
  forbidden('an order while there is debt', 'hold_needs_no_debt', ({ money }) => [
    ...copyOrder(money.debtorsOrder.orderId, 0),
    holding(money.debtor.userId, 0),
  ]),
  forbidden('a hold of bought credits while there are free ones', 'hold_spends_free_first', ({ open, person }) => [
    ...copyOrder(open.orderId, 0),
    holding(person.userId, 0),
  ]),
  forbidden('a settlement in other parts than the hold', 'transfer_of_hold', ({ open }) => [
    `insert into ledger.transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, order_id)
     values ('settle:${open.orderId}', 'release', ${open.userId}, 'user/${open.userId}/held', 'user/${open.userId}/available', 1, 0, '${open.orderId}')`,
  ]),
  forbidden('a hold whose parts change', 'hold_facts_stay', ({ open }) => [
    `update ledger.holds set free_amount = 0 where order_id = '${open.orderId}'`,
  ]),
  forbidden('credits beside debt', 'debt_is_repaid_first', ({ money }) => [
    'alter table ledger.transfers disable trigger repay_debt',
    act,
    grant(money.debtor.userId),
    atCommit,
  ]),
  forbidden('debt repaid with bought credits while there are free ones', 'repay_spends_free_first', ({ money }) => [
    'alter table ledger.transfers disable trigger repay_debt',
    act,
    grant(money.debtor.userId),
    repay(money.debtor.userId, '(select max(transfer_id) from ledger.transfers)', 1, 0),
  ]),
  forbidden('debt repaid with nothing', 'repay_follows_a_credit', ({ money }) => [
    repay(money.debtor.userId, `(select max(transfer_id) from ledger.transfers where kind = 'hold')`, 1, 0),
  ]),
  forbidden('debt repaid with what never came', 'transfers_repays_fkey', ({ money }) => [
    'alter table ledger.transfers disable trigger guard_new_transfer',
    repay(money.debtor.userId, '-1', 1, 0),
  ]),
  forbidden('a part of the credits forfeited', 'forfeit_takes_all', ({ money }) => [forfeit(money.buyer.userId, 1, 1)]),
  forbidden('the credits of a person who is here forfeited', 'forfeit_by_forgotten_person', ({ money }) => [
    forfeit(money.buyer.userId, 13, 3),
    atCommit,
  ]),
  forbidden('a welcome of another sum than the setting', 'grant_is_the_setting', ({ money }) => [
    movement({ kind: 'welcome', user: money.buyer.userId, key: `'welcome:' || user_id`, amount: 1000, free: 1000 }),
  ]),
  forbidden('a bonus of another sum than the setting', 'grant_is_the_setting', ({ money }) => [
    bonus(money.referrer.userId, money.due.userId, 1000),
  ]),
  forbidden('a bonus before its time', 'referral_has_its_ground', ({ money }) => [
    bonus(money.referrer.userId, money.early.userId),
  ]),
  forbidden('a bonus for somebody who did not invite', 'transfer_of_referral', ({ money }) => [
    bonus(money.buyer.userId, money.due.userId),
  ]),
  forbidden('a second bonus', 'transfer_key_once', ({ money }) => [
    bonus(money.referrer.userId, money.due.userId),
    bonus(money.referrer.userId, money.due.userId),
  ]),
  forbidden('a code used twice', 'transfer_key_once', ({ money }) => [redeem(money.redeemer.userId, 'scene')]),
  forbidden('a code that is over', 'promo_is_open', ({ money }) => [redeem(money.buyer.userId, 'over')]),
  forbidden('a code used more often than it may be', 'promo_is_open', ({ money }) => [
    "update ledger.promos set uses_limit = 1 where code = 'scene'",
    redeem(money.buyer.userId, 'scene'),
  ]),
  forbidden('a code that gives more than it says', 'transfer_of_promo', ({ money }) => [
    redeem(money.buyer.userId, 'scene', 1000),
  ]),
  forbidden('a code whose credits change', 'promo_facts_stay', () => ['update ledger.promos set credits = 1000']),
  forbidden('a grant without an act of an operator', 'transfer_direction', ({ money }) => [
    movement({ kind: 'grant', user: money.buyer.userId, key: `'admin:1'`, amount: 5, free: 5 }),
  ]),
  forbidden('two grants for one act', 'transfer_key_once', ({ money }) => [
    act,
    grant(money.buyer.userId),
    grant(money.redeemer.userId),
  ]),
  forbidden('a reference used for two acts', 'admin_reference_once', () =>
    [1, 2].map(
      () =>
        `insert into ledger.admin_actions (actor, command, reference, subject, reason, outcome) values ('a', 'grant', 'once', '{}', 'r', '{}')`,
    ),
  ),
];

/** What no statement may do to people. */
export const forbiddenPeople: readonly ForbiddenStatement[] = [
  forbidden('another referrer', 'referrer_is_written_at_the_first_start', ({ money }) => [
    `update ledger.people set referred_by = ${money.buyer.userId} where user_id = ${money.due.userId}`,
  ]),
  forbidden('a referrer after the first start', 'referrer_is_written_at_the_first_start', ({ person, money }) => [
    `update ledger.people set referred_by = ${person.userId} where user_id = ${money.redeemer.userId}`,
  ]),
  forbidden('a referrer from the beginning', 'referrer_is_written_at_the_first_start', ({ person }) => [
    `insert into ledger.people (telegram_id, language, referred_by) values (5, 'en', ${person.userId})`,
  ]),
  forbidden('whoever invites themselves', 'referrer_was_there_before', () => [
    "insert into ledger.people (telegram_id, language) values (5, 'en')",
    'update ledger.people set referred_by = user_id where telegram_id = 5',
  ]),
  forbidden('somebody invited by nobody we know', 'people_referred_by_fkey', () => [
    "insert into ledger.people (telegram_id, language) values (5, 'en')",
    'update ledger.people set referred_by = 0 where telegram_id = 5',
  ]),
  forbidden('a person who becomes another', 'person_facts_stay', ({ person }) => [
    `update ledger.people set telegram_id = 5 where user_id = ${person.userId}`,
  ]),
  forbidden('a code of invitation given to somebody else', 'person_facts_stay', ({ person }) => [
    `update ledger.people set referral_code = 'aaaaaaaaaa' where user_id = ${person.userId}`,
  ]),
  forbidden('a person forgotten with credits', 'forgotten_person_has_nothing_open', ({ money }) => [
    `update ledger.people set telegram_id = null, identity_hmac = repeat('a', 64), forgotten_at = now() where user_id = ${money.buyer.userId}`,
  ]),
  forbidden('a person forgotten with an open order', 'forgotten_person_has_nothing_open', ({ money }) => [
    `update ledger.people set telegram_id = null, identity_hmac = repeat('a', 64), forgotten_at = now() where user_id = ${money.debtor.userId}`,
  ]),
  forbidden('the words of a person who is here taken away', 'order_is_redacted_when_forgotten', ({ captured }) => [
    `update ledger.orders set product_text = '', wishes = null, chat_id = 0, redacted_at = now() where order_id = '${captured.orderId}'`,
  ]),
  forbidden('half of the words of a forgotten person taken away', 'order_redacted_whole', ({ captured }) => [
    'alter table ledger.people disable trigger guard_person',
    `update ledger.people set telegram_id = null, identity_hmac = repeat('a', 64), forgotten_at = now() where user_id = ${captured.userId}`,
    `update ledger.orders set chat_id = 0, redacted_at = now() where order_id = '${captured.orderId}'`,
  ]),
];

function refund(chargeId: string, { user = 'user_id', credits = 'credits', state = 'intent' } = {}): string {
  return `insert into ledger.payment_refunds (payment_id, user_id, credits, state, ended_at, action_id)
    select payment_id, ${user}, ${credits}, '${state}', ${state === 'intent' ? 'null' : 'now()'}, ${lastAct}
    from ledger.payments where charge_id = '${chargeId}'`;
}

function chargeback(chargeId: string, credits = 'credits'): string {
  return `insert into ledger.chargebacks (payment_id, user_id, credits, source)
    select payment_id, user_id, ${credits}, 'update' from ledger.payments where charge_id = '${chargeId}'`;
}

function takeBack(kind: 'chargeback' | 'chargeback-debt', chargeId: string, amount: number, free: number): string {
  const payment = paymentOf(chargeId);
  const key = `'${kind}:' || ${payment}`;
  return movement({ kind, user: userOf(chargeId), key, amount, free, ground: ['chargeback_of', payment] });
}

function holding(user: number, free: number): string {
  const ground = ['order_id', "'zzzzzzzzzzzz'"] as const;
  return movement({ kind: 'hold', user, key: "'hold:zzzzzzzzzzzz'", amount: 1, free, ground });
}

function repay(user: number, transfer: string, amount: number, free: number): string {
  return movement({ kind: 'repay', user, key: `'repay:' || ${transfer}`, amount, free, ground: ['repays', transfer] });
}

function forfeit(user: number, amount: number, free: number): string {
  return movement({ kind: 'forfeit', user, key: `'forfeit:' || user_id || ':1'`, amount, free });
}

function bonus(referrer: number, referred: number, amount = 5): string {
  const ground = ['referred_id', String(referred)] as const;
  return movement({ kind: 'referral', user: referrer, key: `'referral:${referred}'`, amount, free: amount, ground });
}

function redeem(user: number, code: string, amount = 5): string {
  const ground = ['promo_code', `'${code}'`] as const;
  return movement({ kind: 'promo', user, key: `'promo:${code}:' || user_id`, amount, free: amount, ground });
}
