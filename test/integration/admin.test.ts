import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { installVideoJobCrd } from '../../dev/videojob-crd.ts';
import { run } from '../../src/admin/main.ts';
import { answerEdit, recordShown } from '../../src/delivery/delivery.ts';
import { answerSubmit, failAttempt } from '../../src/generation/attempt.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { VIDEOJOBS } from '../../src/kube/resources.ts';
import { endExecution } from '../../src/ledger/executions.ts';
import { readBalance } from '../../src/ledger/people.ts';
import { closeOrder } from '../../src/ledger/settlement.ts';
import { TestLedger, type TestOrder } from '../support/ledger.ts';
import { createTestNamespace } from '../support/namespace.ts';

const root = join(import.meta.dirname, '../..');

type Said = { readonly code: number; readonly out: string; readonly err: string };

/** Runs the operator's command line in this process. */
async function admin(ledger: TestLedger, words: readonly string[], env: Record<string, string> = {}): Promise<Said> {
  let out = '';
  let err = '';
  const terminal = {
    out(text: string) {
      out += text;
    },
    err(text: string) {
      err += text;
    },
  };
  const variables = { NEUROCARDS_DATABASE_URL: ledger.adminUrl, NEUROCARDS_ACTOR: 'tester', ...env };
  const code = await run(words, variables, terminal);
  return { code, out, err };
}

/** Runs it as an operator does. */
function program(words: readonly string[], env: Record<string, string> = {}): Promise<Said> {
  const args = [join(root, 'src/main.ts'), 'admin', ...words];
  const variables = { PATH: process.env['PATH'] ?? '', ...env };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { env: variables }, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

/** The line that begins so, of what is shown about an order. */
async function shown(ledger: TestLedger, orderId: string, begins: string): Promise<string> {
  const { code, out, err } = await admin(ledger, ['order', 'show', `vj-${orderId}`]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.split('\n').find((line) => line.startsWith(begins)) ?? `no line "${begins}" in:\n${out}`;
}

type Step = (ledger: TestLedger, order: TestOrder) => Promise<unknown>;
type Case = readonly [what: string, step: Step, line: string, sees: RegExp, next: RegExp];

const deliver: Step = async (ledger, order) => {
  await ledger.succeeded(order);
  return ledger.editing(order);
};

/** Every state that an open order can be found in, and what is said to happen next. */
const open: readonly Case[] = [
  ['was admitted', async () => undefined, 'attempt 1', /ready {2}task -/, /prepares prompt and photo/],
  [
    'is being prepared',
    (ledger, order) => ledger.leased(order),
    'attempt 1',
    /leased by .* for \d+ s/,
    /prepares prompt/,
  ],
  [
    'was refused by the provider',
    async (ledger, order) => {
      const { nonce } = await ledger.submitting(order);
      const refused = {
        kind: 'refused',
        resubmit: true,
        failureClass: 'operator-balance',
        message: 'no credits',
      } as const;
      await answerSubmit(ledger.runner, nonce, { ...refused, retryAfterSeconds: 30 });
    },
    'attempt 1',
    /operator-balance: no credits/,
    /submits again after operator-balance/,
  ],
  ['is being submitted', (ledger, order) => ledger.submitting(order), 'attempt 1', /intent/, /whose id nobody knows/],
  [
    'has a task',
    (ledger, order) => ledger.accepted(order),
    'attempt 1',
    /accepted {2}task task-/,
    /polls the provider/,
  ],
  [
    'has a failed attempt',
    async (ledger, order) => {
      const { lease } = await ledger.accepted(order);
      await failAttempt(ledger.runner, lease.attemptId, lease.fence, 'provider-internal', 'the provider failed');
    },
    'attempt 1',
    /failed .*provider-internal: the provider failed/,
    /another attempt or closes the order/,
  ],
  ['has a stored video', (ledger, order) => ledger.succeeded(order), 'delivery', /pending/, /first deliver pod/],
  ['is being delivered', deliver, '  edit', /no answer yet/, /deliver pod is turning/],
  [
    'waits for the next delivery',
    async (ledger, order) => {
      await deliver(ledger, order);
      await endExecution(ledger.controller, order.orderId, order.uid, 'delivery', 1, 'Crashed');
    },
    'deliver ',
    /ended .* Crashed/,
    /next deliver pod/,
  ],
];

const settled: readonly Case[] = [
  [
    'was shown',
    (ledger, order) => ledger.shown(order),
    'hold',
    /captured {2}VideoDelivered/,
    /Nothing: the order is settled/,
  ],
  [
    'was deleted over its task',
    async (ledger, order) => {
      await ledger.accepted(order);
      await closeOrder(ledger.controller, order.orderId, order.uid, 'Deleted');
    },
    'attempt 1',
    /abandoned .*followed until/,
    /follows it for 24 hours/,
  ],
  [
    'waits for its person',
    async (ledger, order) => {
      await ledger.succeeded(order);
      const { nonce } = await ledger.editing(order);
      const blocked = { kind: 'refused', meaning: 'unreachable', failureClass: 'delivery-blocked' } as const;
      await answerEdit(ledger.runner, nonce, { ...blocked, retryAfterSeconds: 0 });
    },
    'delivery',
    /waiting/,
    /next sign of life/,
  ],
];

describe('order show', () => {
  it.each([...open, ...settled])('of an order that %s', async (_what, step, line, sees, next) => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await step(ledger, order);
    expect(await shown(ledger, order.orderId, line)).toMatch(sees);
    expect(await shown(ledger, order.orderId, 'next')).toMatch(next);
  });

  it('of an order that nobody has claimed, and of one that waits in the queue', async () => {
    const ledger = await TestLedger.open();
    const placement = ledger.placement(await ledger.person());
    await ledger.place(placement);
    expect(await shown(ledger, placement.orders[0]?.orderId ?? '', 'next')).toMatch(/posts its VideoJob until/);
    await ledger.admin.query("select ledger.set_setting('live_attempt_limit', '0')");
    const queued = await ledger.claimed(await ledger.person());
    expect(await shown(ledger, queued.orderId, 'next')).toMatch(/free place at the provider/);
    expect(await shown(ledger, queued.orderId, 'VideoJob')).toMatch(/not asked: set NEUROCARDS_NAMESPACE/);
  });

  it('looks at the VideoJob too, and shows the books where it cannot', async () => {
    const [ledger, namespace] = await Promise.all([TestLedger.open(), createTestNamespace()]);
    const kube = createKubeClient({ kubeconfig: inject('kubeconfig'), userAgent: 'neurocards-test' });
    await installVideoJobCrd(kube);
    const placement = ledger.placement(await ledger.person());
    await ledger.place(placement);
    const [placed] = placement.orders;
    vi.stubEnv('KUBECONFIG', inject('kubeconfig'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const env = { NEUROCARDS_NAMESPACE: namespace.name };
    const show = async () => (await admin(ledger, ['order', 'show', placed?.orderId ?? ''], env)).out;
    expect(await show()).toContain('VideoJob   none of this name');
    const { metadata } = await kube.create(VIDEOJOBS, namespace.name, placed?.videoJob ?? '');
    expect(await show()).toContain(`${namespace.name}/${metadata.name}  uid ${metadata.uid}`);
    await kube.close();
    vi.stubEnv('KUBECONFIG', '/no/such/file');
    const lost = await show();
    expect(lost).toMatch(/VideoJob {3}not read: /);
    expect(lost).toContain('hold       held');
  });

  it('says nothing of the person’s words, and what it does not know', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    const { out } = await admin(ledger, ['order', 'show', order.orderId]);
    expect(out).not.toContain('a cup');
    const unknown = await admin(ledger, ['order', 'show', 'vj-aaaaaaaaaaaa']);
    expect(unknown).toMatchObject({ code: 1, out: '' });
    expect(unknown.err).toMatch(/knows no order aaaaaaaaaaaa/);
  });
});

describe('grant', () => {
  it('books once however often it is asked with the same reference, and never another amount under it', async () => {
    const ledger = await TestLedger.open();
    const { userId } = await ledger.person();
    const before = (await readBalance(ledger.bot, userId)).available;
    const ask = (credits: string, reference = 'ticket-7') =>
      admin(ledger, ['grant', String(userId), credits, '--reference', reference, '--reason', 'a test']);
    expect(await ask('5')).toMatchObject({ code: 0, out: `Booked 5; available ${before + 5}\n` });
    expect(await ask('5')).toMatchObject({
      code: 0,
      out: `Already booked under ticket-7; available ${before + 5}\n`,
    });
    const reused = await ask('6');
    expect(reused).toMatchObject({ code: 1, out: '' });
    expect(reused.err).toMatch(/ticket-7.*another act/);
    expect((await readBalance(ledger.bot, userId)).available).toBe(before + 5);
    const stranger = await admin(ledger, ['grant', '999999', '5', '--reference', 'ticket-8', '--reason', 'a test']);
    expect(stranger.err).toMatch(/knows no person 999999/);
  });
});

describe('order close', () => {
  it('gives the credits back over a paid task only when that is said', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await ledger.accepted(order);
    const careful = await admin(ledger, ['order', 'close', order.orderId]);
    expect(careful).toMatchObject({ code: 2, out: '' });
    expect(careful.err).toMatch(/say --forfeit/);
    const forfeited = await admin(ledger, ['order', 'close', order.orderId, '--forfeit', '--reason', 'a test']);
    expect(forfeited).toMatchObject({ code: 0, out: `${order.orderId} released: Cancelled\n` });
    expect(await admin(ledger, ['order', 'close', order.orderId, '--forfeit', '--reason', 'a test'])).toMatchObject({
      code: 0,
    });
  });

  it('is refused once the video is stored', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await ledger.succeeded(order);
    const refused = await admin(ledger, ['order', 'close', order.orderId, '--forfeit', '--reason', 'a test']);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/only its delivery decides now/);
  });

  it('leaves a settled order as it was', async () => {
    const ledger = await TestLedger.open();
    const order = await ledger.claimed(await ledger.person());
    await ledger.succeeded(order);
    const { nonce } = await ledger.editing(order);
    await recordShown(ledger.runner, order.orderId, nonce, { messageId: 1, fileId: null });
    const late = await admin(ledger, ['order', 'close', order.orderId, '--forfeit', '--reason', 'a test']);
    expect(late.out).toBe(`${order.orderId} captured: VideoDelivered\n`);
  });
});

/** What is kept of every act by hand. */
const acts = async (ledger: TestLedger) =>
  z
    .array(z.object({ actor: z.string(), command: z.string(), reference: z.string().nullable(), reason: z.string() }))
    .parse(
      await ledger.rows('select actor, command, reference, reason from ledger.admin_actions order by action_id', []),
    )
    .filter(({ reason }) => reason === 'because');

const because = ['--reason', 'because'] as const;

describe('what is done by hand', () => {
  it('leaves who did it and why, and a dry run leaves nothing', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const order = await ledger.claimed(person);
    const rehearsals: readonly (readonly string[])[] = [
      ['grant', String(person.userId), '5', '--reference', 'r1'],
      ['write-off', String(person.userId), '5', '--reference', 'r2'],
      ['person', 'ban', String(person.userId), '--reference', 'r3'],
      ['order', 'reclaim', order.orderId],
      ['order', 'close', order.orderId, '--forfeit'],
      ['package', 'set', 'small', '10', '50'],
      ['promo', 'set', 'spring', '3', '--limit', '100', '--until', '2030-01-01'],
    ];
    for (const words of rehearsals) {
      const said = await admin(ledger, [...words, '--dry-run']);
      expect(said, words.join(' ')).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/[Ww]ould/) });
    }
    expect(await acts(ledger)).toEqual([]);
    for (const words of rehearsals) {
      const said = await admin(ledger, [...words, ...because]);
      expect(said, words.join(' ')).toMatchObject({ code: 0, err: '' });
    }
    expect((await acts(ledger)).map(({ actor, command }) => `${actor}: ${command}`)).toEqual([
      'tester: grant',
      'tester: writeoff',
      'tester: ban',
      'tester: reclaim',
      'tester: order close',
      'tester: package',
      'tester: promo',
    ]);
    expect(await ledger.violations()).toEqual([]);
  });

  it('shows a person as the books know them, by our number or by the Telegram id they tell', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    await admin(ledger, ['grant', String(person.userId), '5', '--reference', 'gift', ...because]);
    await admin(ledger, ['person', 'ban', String(person.userId), '--reference', 'spam', ...because]);
    const shown = await admin(ledger, ['person', String(person.userId)]);
    expect(shown).toMatchObject({ code: 0, err: '' });
    expect(shown.out).toMatch(/^balance +available 105 \(105 free\) {2}held 0 {2}debt 0$/m);
    expect(shown.out).toMatch(/BANNED/);
    expect(shown.out).toMatch(/by hand .* ban by tester \(spam\): because/);
    expect(shown.out).not.toContain(String(person.chatId));
    const told = await admin(ledger, ['person', String(person.chatId), '--telegram']);
    expect(told.out).toBe(shown.out);
    expect(
      await admin(ledger, ['person', 'unban', String(person.userId), '--reference', 'sorry', ...because]),
    ).toMatchObject({
      code: 0,
    });
    expect((await admin(ledger, ['person', String(person.userId)])).out).not.toMatch(/BANNED/);
    expect(await admin(ledger, ['person', '999999'])).toMatchObject({ code: 1, out: '' });
  });

  it('refuses a refund of a payment that nobody made, and says where to look', async () => {
    const ledger = await TestLedger.open();
    const refused = await admin(ledger, ['payment', 'refund', 'nothing', '--reference', 'r', ...because]);
    expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/no such payment: admin person/) });
    const settled = await admin(ledger, ['payment', 'resolve', 'nothing', '--reference', 'r2', ...because]);
    expect(settled).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/nothing open/) });
  });

  it('reclaims only an open order that somebody claimed', async () => {
    const ledger = await TestLedger.open();
    const person = await ledger.person();
    const placement = ledger.placement(person);
    await ledger.place(placement);
    const unclaimed = placement.orders[0]?.orderId ?? '';
    expect(await admin(ledger, ['order', 'reclaim', unclaimed, ...because])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/nobody claimed the order/),
    });
    expect(await admin(ledger, ['order', 'reclaim', 'aaaaaaaaaaaa', ...because])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/unknown order/),
    });
  });
});

describe('settings', () => {
  it('are shown and changed one at a time', async () => {
    const ledger = await TestLedger.open();
    expect((await admin(ledger, ['settings'])).out).toMatch(/^accepting_orders +true$/m);
    const changed = await admin(ledger, ['settings', 'accepting_orders', 'false']);
    expect(changed).toMatchObject({ code: 0, err: '' });
    expect(changed.out).toMatch(/^accepting_orders +false$/m);
  });

  it('stay as they are in a dry run', async () => {
    const ledger = await TestLedger.open();
    const tried = await admin(ledger, ['settings', 'unit_price', '5', '--dry-run']);
    expect(tried).toEqual({ code: 0, err: '', out: 'unit_price would be 5\n' });
    expect(await admin(ledger, ['settings', 'unit_price', '0', '--dry-run'])).toMatchObject({ code: 1, out: '' });
    expect((await admin(ledger, ['settings'])).out).toMatch(/^unit_price +1$/m);
    expect(await ledger.rows('select 1 from ledger.admin_actions')).toEqual([]);
  });

  it('refuse with one sentence what they cannot be', async () => {
    const ledger = await TestLedger.open();
    const cases: readonly [words: string[], code: number, says: RegExp][] = [
      [['colour', '"red"'], 1, /no setting "colour".*neurocards admin settings/],
      [['unit_price', '0'], 1, /unit_price cannot be 0/],
      [['unit_price', '"much"'], 1, /unit_price cannot be "much"/],
      [['unit_price', 'much'], 2, /needs a name and a JSON value/],
      [['unit_price'], 2, /needs a name and a JSON value/],
    ];
    for (const [words, code, says] of cases) {
      const refused = await admin(ledger, ['settings', ...words]);
      expect(refused).toMatchObject({ code, out: '' });
      expect(refused.err).toMatch(says);
      expect(refused.err.trim().split('\n')).toHaveLength(1);
    }
  });
});

describe('bad input', () => {
  it('is a misuse, and answered with one sentence', async () => {
    const ledger = await TestLedger.open();
    const cases: readonly [words: string[], says: RegExp][] = [
      [['order', 'show', 'nonsense'], /12 letters and digits/],
      [['order', 'show'], /12 letters and digits/],
      [['order', 'burn'], /no command "order burn"/],
      [['frobnicate'], /no command "frobnicate"/],
      [['grant', 'anna', '5', '--reference', 'x'], /number of a person/],
      [['grant', '1', '2.5', '--reference', 'x'], /number of credits is a whole number/],
      [['grant', '1', '5', '--reason', 'why'], /say --reference/],
      [['grant', '1', '5', '--reference', 'x'], /say why/],
      [['order', 'reclaim', 'aaaaaaaaaaaa'], /say why/],
      [['payment', 'refund', '--reference', 'x', '--reason', 'why'], /name the charge/],
      [['person', 'anna'], /number of a person/],
      [['promo', 'set', 'code', '5', '--until', 'soon', '--reason', 'why'], /a date is written like/],
      [['audit', 'everything'], /only --resolve/],
      [['release-finalizers', 'all', '--reason', 'why'], /takes no words/],
      [['settings', '--force'], /--force/],
    ];
    for (const [words, says] of cases) {
      const misused = await admin(ledger, words);
      expect(misused, words.join(' ')).toMatchObject({ code: 2, out: '' });
      expect(misused.err).toMatch(says);
      expect(misused.err.trim().split('\n')).toHaveLength(1);
    }
  });

  it('without a database says what is missing, and with a dead one what to look at', async () => {
    const ledger = await TestLedger.open();
    const missing = await program(['settings']);
    expect(missing).toMatchObject({ code: 2, out: '' });
    expect(missing.err).toContain('NEUROCARDS_DATABASE_URL');
    const dead = await program(['settings'], { NEUROCARDS_DATABASE_URL: 'postgres://admin@127.0.0.1:1/x' });
    expect(dead).toMatchObject({ code: 1, out: '' });
    expect(dead.err).toMatch(/could not be reached/);
    expect(dead.err).not.toMatch(/\n\s+at /);
    expect((await program(['settings'], { NEUROCARDS_DATABASE_URL: ledger.adminUrl })).out).toMatch(/^unit_price/m);
  });

  it('without a word or with --help shows what can be said', async () => {
    const ledger = await TestLedger.open();
    expect(await admin(ledger, [])).toMatchObject({ code: 2 });
    const help = await admin(ledger, ['--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toMatch(/order show ORDER/);
  });
});
