import type { SourceMutant } from '../source-mutant.ts';

const integration = (name: string) => ({ lane: 'integration', file: `test/integration/${name}.test.ts` }) as const;
const groups = integration('ledger-group');
const chats = { ...integration('bot-group'), cluster: true } as const;
const agains = { ...integration('bot-again'), cluster: true } as const;
const forgetting = { ...integration('bot-forget'), cluster: true } as const;

const outcome = '  perform write_outcome(hold, failure);\n';
const settlement = `  insert into transfers (idempotency_key, kind, user_id, debit, credit, amount, free_amount, order_id)
  values ('settle:' || the_order, case outcome when 'captured' then 'capture' else 'release' end, hold.user_id,
    'user/' || hold.user_id || '/held',
    case outcome when 'captured' then 'sys/revenue' else 'user/' || hold.user_id || '/available' end, hold.amount, hold.free_amount,
    the_order);
`;

/** Mistakes with what people confirm, repeat, and have deleted. */
export const peopleMutants: readonly SourceMutant[] = [
  {
    name: 'count a group of orders as one against the limit',
    file: 'src/order/functions/refusal_of.sql',
    find: 'when number + (select count(*)',
    replace: 'when 1 + (select count(*)',
    row: null,
    caughtBy: { ...groups, test: 'counts whole' },
  },
  {
    name: 'ask for the credits of one order of a group',
    file: 'src/order/functions/refusal_of.sql',
    find: 'number * unit_price > available',
    replace: 'unit_price > available',
    row: null,
    caughtBy: { ...groups, test: 'for none' },
  },
  {
    name: 'look for the last order of a group before the account is locked',
    file: 'src/ledger/functions/settle.sql',
    find: `${settlement}${outcome}`,
    replace: `${outcome}${settlement}`,
    row: null,
    caughtBy: { ...groups, test: 'same moment' },
  },
  {
    name: 'keep a progress message beside the one of delivery',
    file: 'src/bot/notices.ts',
    find: "if (messageId !== sent && fact.kind === 'progress') {",
    replace: 'if (messageId === null) {',
    row: null,
    caughtBy: { ...integration('attack-notices'), test: 'taken away again' },
  },
  {
    name: 'leave a failure without a message of its own to the summary',
    file: 'src/bot/notices.ts',
    find: 'if (messageId === null) return beginMessage(notice, announcer);',
    replace:
      "if (messageId === null) return notice.fact.kind === 'progress' ? beginMessage(notice, announcer) : 'gone';",
    row: null,
    caughtBy: { ...chats, test: 'is told of in one that is sent for it' },
  },
  {
    name: 'leave whoever had blocked the bot untold of a refund',
    file: 'src/ledger/functions/register_person.sql',
    find: "kind in ('failed', 'summary')",
    replace: "kind = 'summary'",
    row: null,
    caughtBy: { ...integration('bot-notices'), cluster: true, test: 'to who has left when they are back' },
  },
  {
    name: 'leave whoever came back meanwhile untold of a refund',
    file: 'src/order/functions/end_notice.sql',
    find: "if notice.kind in ('failed', 'summary') then",
    replace: "if notice.kind = 'summary' then",
    row: null,
    caughtBy: { ...integration('attack-ledger'), test: 'is told it again' },
  },
  {
    name: 'leave a summary untold whose fate nobody knows',
    file: 'src/bot/notices.ts',
    find: " || fact.kind === 'summary'",
    replace: '',
    row: null,
    caughtBy: { ...chats, test: 'nobody knows' },
  },
  {
    name: 'show a refused order again with the refused nonce',
    file: 'src/bot/refusal.ts',
    find: 'nonce: context.freshNonce, price',
    replace: 'price',
    row: null,
    caughtBy: { ...agains, test: 'stays refused' },
  },
  {
    name: 'repeat an order whatever the button prints',
    file: 'src/bot/again.ts',
    find: 'act.price === terms.unitPrice && isAsOffered',
    replace: 'isAsOffered',
    row: null,
    caughtBy: { ...agains, test: 'price' },
  },
  {
    name: 'repeat an order with another model',
    file: 'src/bot/again.ts',
    find: '    own.model === offer.model &&\n',
    replace: '',
    row: null,
    caughtBy: { ...agains, test: 'another model' },
  },
  {
    name: 'repeat somebody else’s order',
    file: 'src/order/functions/own_order.sql',
    find: ' and user_id = the_user',
    replace: ' and the_user is not null',
    row: null,
    caughtBy: { ...agains, test: 'another person' },
  },
  {
    name: 'forget a person by the button of another one',
    file: 'src/bot/forget-request.ts',
    find: 'where user_id = $1 and nonce = $2\n',
    replace: 'where nonce = $2 and $1 > 0\n',
    row: null,
    caughtBy: { ...forgetting, test: 'somebody else' },
  },
  {
    name: 'forget a person whose orders are open',
    file: 'src/ledger/functions/forget_person.sql',
    find: "    when open_orders <> '[]' then 'open-orders'\n",
    replace: '',
    row: null,
    caughtBy: { ...forgetting, test: 'orders are open' },
  },
  {
    name: 'forget a person and leave their VideoJobs',
    file: 'src/bot/forgetting.ts',
    find: "  await eraseLater(transaction, 'video-job', done.videoJobs);\n",
    replace: '',
    row: null,
    caughtBy: { ...forgetting, test: 'neither their number' },
  },
  {
    name: 'let an old button make a forgotten person known',
    file: 'src/bot/handling.ts',
    find: '  return !(await knowsPerson(desk.database, telegramId));',
    replace: '  return false;',
    row: null,
    caughtBy: { ...forgetting, test: 'second tap' },
  },
  {
    name: 'welcome whoever returns as somebody new',
    file: 'src/bot/handling.ts',
    find: '    desk.identityOf(heard.telegramId),\n',
    replace: '',
    row: null,
    caughtBy: { ...forgetting, test: 'who returns' },
  },
];
