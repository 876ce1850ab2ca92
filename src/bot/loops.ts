import { relayOrders } from '../order/relay.ts';
import { listen } from '../postgres/listen.ts';
import { chatOver } from '../telegram/chat.ts';
import type { Bot } from './assemble.ts';
import { forgetOldDrafts } from './draft.ts';
import { carryOutErasures } from './erasure.ts';
import { handleNext } from './handling.ts';
import { forgetOldUpdates, inboxChannel } from './inbox.ts';
import { type Bell, createBell, runLoop } from './loop.ts';
import { announce } from './notices.ts';
import { setProfile } from './profile.ts';
import { receive } from './receiver.ts';
import { reconcile } from './reconciliation.ts';
import { refundPayments } from './refunds.ts';
import { sweepShowings } from './showings.ts';
import { webhookPath } from './webhook-route.ts';

/** Updates that are worked on at once; each of another chat. */
const handlers = 4;

/**
 * Everything the bot does by itself, until `signal` is aborted and each loop has ended its turn. A notification only wakes a loop;
 * each also looks from time to time, because notifications are lost with a connection.
 */
export async function startLoops(bot: Bot, signal: AbortSignal): Promise<void> {
  const { pool, desk, owner, log, counts, videoJobs } = bot;
  const { telegram, storage } = desk;
  const bells = {
    inbox: createBell(),
    notices: createBell(),
    relay: createBell(),
    showings: createBell(),
    refunds: createBell(),
  };
  const loop = (name: string, everyMs: number, bell: Bell, turn: () => Promise<boolean>) =>
    runLoop(turn, { name, signal, bell, everyMs, log, onTurn: () => bot.turnedAt.set(name, performance.now()) });
  const handle = async (): Promise<boolean> => {
    const handled = await handleNext(pool, desk);
    counts.update(handled);
    return handled !== 'nothing';
  };
  await Promise.all([
    takeUpdates(bot, signal),
    ...Array.from({ length: handlers }, (_, index) => loop(`handler-${index + 1}`, 1_000, bells.inbox, handle)),
    loop('notices', 1_000, bells.notices, () => announce({ database: pool, telegram, owner, log })),
    loop('relay', 1_000, bells.relay, () =>
      relayOrders({ database: pool, post: videoJobs.post, log, onResult: counts.relay }),
    ),
    loop('refunds', 2_000, bells.refunds, () =>
      refundPayments({ pool, telegram, owner, contact: desk.contact, log, onAnswer: counts.refund }),
    ),
    runLoop(reconciling(bot, signal), { name: 'reconciliation', signal, bell: createBell(), everyMs: 5_000, log }),
    loop('erasures', 2_000, createBell(), () =>
      carryOutErasures({ database: pool, erase: { 'video-job': videoJobs.expire, object: storage.remove }, log }),
    ),
    // Both may take long for good reasons, so liveness does not look at them.
    runLoop(() => sweepShowings({ desk: { database: pool, chat: chatOver(telegram), storage }, owner, log }), {
      name: 'showings',
      signal,
      bell: bells.showings,
      everyMs: 2_000,
      log,
    }),
    runLoop(
      async () => {
        await forgetOldUpdates(pool);
        await forgetOldDrafts(pool);
        return false;
      },
      { name: 'forgetting', signal, bell: createBell(), everyMs: 3_600_000, log },
    ),
    hear(bot, inboxChannel, [bells.inbox], signal),
    hear(bot, 'neurocards_notices', [bells.notices, bells.showings], signal),
    hear(bot, 'neurocards_relay', [bells.relay], signal),
    hear(bot, 'neurocards_payment_refunds', [bells.refunds], signal),
  ]);
}

/** At the start, and then whenever it is due. May take long for good reasons, so liveness does not look at it. */
function reconciling({ intake, desk, owner }: Bot, signal: AbortSignal): () => Promise<boolean> {
  let isFirst = true;
  return async () => {
    await reconcile({ intake, telegram: desk.telegram, owner, signal }, isFirst);
    isFirst = false;
    return false;
  };
}

function hear({ env, log }: Bot, channel: string, woken: readonly Bell[], signal: AbortSignal): Promise<void> {
  const ring = (): void => {
    for (const bell of woken) bell.ring();
  };
  return listen(env.NEUROCARDS_DATABASE_URL, channel, ring, signal, {
    applicationName: 'neurocards-bot-listen',
    onReconnect: ring,
    onError: (error) => log.warn({ err: error, channel }, 'a notification channel was lost'),
  });
}

/** By webhook where there is a public address and a secret for it, else by long polling. */
async function takeUpdates(bot: Bot, signal: AbortSignal): Promise<void> {
  const { env, pool, desk, intake, owner, log, receiver } = bot;
  const { telegram } = desk;
  const { NEUROCARDS_PUBLIC_URL: address, NEUROCARDS_TELEGRAM_WEBHOOK_SECRET: secret } = env;
  const profile = (): Promise<void> => setProfile(pool, telegram);
  if (address !== undefined && secret !== undefined) {
    const name = 'webhook';
    const turn = async (): Promise<boolean> => {
      if (receiver.mode !== 'webhook') await telegram.setWebhook(`${address}${webhookPath}`, secret);
      receiver.mode = 'webhook';
      receiver.lastGoodAt = performance.now();
      await profile();
      return false;
    };
    return runLoop(turn, { name, signal, bell: createBell(), everyMs: 30_000, log });
  }
  const leaseSeconds = env.NEUROCARDS_RECEIVER_LEASE_SECONDS;
  return receive({ intake, telegram, owner, leaseSeconds, signal, onHeld: profile }, receiver);
}
