import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../config/environment.ts';
import { ConfigError } from '../config/error.ts';
import { healthRoutes } from '../http/health.ts';
import type { Handler } from '../http/route.ts';
import { createHttpServer } from '../http/server.ts';
import { createKubeClient } from '../kube/client.ts';
import { createLogger, type Logger } from '../log/logger.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { relayOrders } from '../order/relay.ts';
import { createPhotoNormaliser } from '../photo/normaliser.ts';
import { listen } from '../postgres/listen.ts';
import { createPool, type DatabasePool } from '../postgres/pool.ts';
import { createFileStorage } from '../storage/files.ts';
import { chatOver } from '../telegram/chat.ts';
import { createTelegramClient, type TelegramClient } from '../telegram/client.ts';
import { callbackRoute } from './callback-route.ts';
import { type BotEnvironment, offerOf, readBotEnvironment } from './config.ts';
import type { Desk } from './desk.ts';
import { handleNext } from './handling.ts';
import { forgetOldUpdates, inboxChannel } from './inbox.ts';
import { createBell, runLoop } from './loop.ts';
import { createBotMetrics } from './metrics.ts';
import { announce } from './notices.ts';
import { setProfile } from './profile.ts';
import { type ReceiverState, receive, takeIn } from './receiver.ts';
import { sweepShowings } from './showings.ts';
import { createVideoJobs } from './video-jobs.ts';
import { webhookPath, webhookRoute } from './webhook-route.ts';

const handlers = 4;
const connections = 12;
const stuckMs = 120_000;

/**
 * Runs the bot until SIGTERM or SIGINT: any number of replicas, of which one receives. Answers the exit code: 0 after a stop,
 * 2 for wrong settings.
 */
export async function run(_argv: readonly string[], environment: Environment): Promise<number> {
  let env: BotEnvironment;
  try {
    env = readBotEnvironment(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGTERM', stop).once('SIGINT', stop);
  try {
    await runBot(env, environment, stopping.signal);
    return 0;
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop);
  }
}

/** The bot over given settings, until `signal` is aborted. Throws ListenError when its port is taken. */
export async function runBot(env: BotEnvironment, environment: Environment, signal: AbortSignal): Promise<void> {
  const log = createLogger({ service: 'bot', level: env.NEUROCARDS_LOG_LEVEL });
  const metrics = createMetrics({
    onCollectError: (metric, error) => log.warn({ err: error, metric }, 'a figure could not be read'),
  });
  const pool = createPool(env.NEUROCARDS_DATABASE_URL, {
    applicationName: 'neurocards-bot',
    max: connections,
    onIdleError: (error) => log.warn({ err: error }, 'an idle database connection was lost'),
  });
  const counts = createBotMetrics(metrics, pool);
  const telegram = createTelegramClient({
    token: env.NEUROCARDS_TELEGRAM_BOT_TOKEN,
    apiRoot: env.NEUROCARDS_TELEGRAM_API_ROOT,
    onRequest: counts.telegram,
  });
  const kube = createKubeClient({
    kubeconfig: environment['KUBECONFIG'],
    userAgent: 'neurocards-bot',
    metrics,
  });
  const videoJobs = createVideoJobs(kube, env.NEUROCARDS_NAMESPACE, log);
  const storage = createFileStorage(env.NEUROCARDS_STORAGE_DIRECTORY);
  const owner = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const desk: Desk = {
    database: pool,
    telegram,
    storage,
    normalisePhoto: createPhotoNormaliser(photoChild()),
    offer: offerOf(env),
    contact: env.NEUROCARDS_SUPPORT_CONTACT,
    log,
    mirrorCancel: videoJobs.mirrorCancel,
  };
  const bells = { inbox: createBell(), notices: createBell(), relay: createBell(), showings: createBell() };
  const state: ReceiverState = { mode: 'starting', lastGoodAt: performance.now() };
  let turnedAt = performance.now();
  const server = await createHttpServer({
    address: env.NEUROCARDS_HTTP_ADDRESS,
    routes: routesOf(env, pool, telegram, log, { state, turnedAt: () => turnedAt, metrics }),
    log,
  });
  log.info({ url: server.url }, 'the bot runs');
  const loop = (name: string, everyMs: number, bell: ReturnType<typeof createBell>, turn: () => Promise<boolean>) =>
    runLoop(turn, {
      name,
      signal,
      bell,
      everyMs,
      log,
      onTurn: () => {
        turnedAt = performance.now();
      },
    });
  const hear = (channel: string, ...woken: { ring(): void }[]) =>
    listen(env.NEUROCARDS_DATABASE_URL, channel, () => ring(woken), signal, {
      applicationName: 'neurocards-bot-listen',
      onReconnect: () => ring(woken),
      onError: (error) => log.warn({ err: error, channel }, 'a notification channel was lost'),
    });
  const receiver = {
    database: pool,
    telegram,
    owner,
    leaseSeconds: env.NEUROCARDS_RECEIVER_LEASE_SECONDS,
    log,
    signal,
  };
  await Promise.all([
    hasWebhook(env)
      ? byWebhook(env, telegram, pool, state, log, signal)
      : receive({ ...receiver, onHeld: () => setProfile(pool, telegram) }, state),
    ...Array.from({ length: handlers }, (_, index) =>
      loop(`handler-${index + 1}`, 1_000, bells.inbox, async () => {
        const handled = await handleNext(pool, desk);
        counts.update(handled);
        return handled !== 'nothing';
      }),
    ),
    loop('notices', 1_000, bells.notices, () => announce({ database: pool, telegram, owner, log })),
    loop('relay', 1_000, bells.relay, () =>
      relayOrders({ database: pool, post: videoJobs.post, log, onResult: counts.relay }),
    ),
    loop('showings', 2_000, bells.showings, () =>
      sweepShowings({ desk: { database: pool, chat: chatOver(telegram), storage }, owner, log }),
    ),
    loop('forgetting', 3_600_000, createBell(), async () => {
      await forgetOldUpdates(pool);
      return false;
    }),
    hear(inboxChannel, bells.inbox),
    hear('neurocards_notices', bells.notices, bells.showings),
    hear('neurocards_relay', bells.relay),
  ]);
  await server.close();
  await kube.close();
  await pool.end();
  log.info('the bot has stopped');
}

function ring(bells: readonly { ring(): void }[]): void {
  for (const bell of bells) bell.ring();
}

/** The child's entry beside us when we are bundled. */
function photoChild(): { childPath?: string } {
  return import.meta.url.endsWith('.mjs')
    ? { childPath: fileURLToPath(new URL('./photo-child.mjs', import.meta.url)) }
    : {};
}

function hasWebhook(env: BotEnvironment): env is BotEnvironment & {
  NEUROCARDS_PUBLIC_URL: string;
  NEUROCARDS_TELEGRAM_WEBHOOK_SECRET: string;
} {
  return env.NEUROCARDS_TELEGRAM_WEBHOOK_SECRET !== undefined && env.NEUROCARDS_PUBLIC_URL !== undefined;
}

async function byWebhook(
  env: { NEUROCARDS_PUBLIC_URL: string; NEUROCARDS_TELEGRAM_WEBHOOK_SECRET: string },
  telegram: TelegramClient,
  pool: DatabasePool,
  state: ReceiverState,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  await runLoop(
    async () => {
      if (state.mode !== 'webhook') {
        await telegram.setWebhook(`${env.NEUROCARDS_PUBLIC_URL}${webhookPath}`, env.NEUROCARDS_TELEGRAM_WEBHOOK_SECRET);
        await setProfile(pool, telegram);
        state.mode = 'webhook';
      }
      state.lastGoodAt = performance.now();
      return false;
    },
    { name: 'webhook', signal, bell: createBell(), everyMs: 30_000, log },
  );
}

function routesOf(
  env: BotEnvironment,
  pool: DatabasePool,
  telegram: TelegramClient,
  log: Logger,
  health: { state: ReceiverState; turnedAt: () => number; metrics: ReturnType<typeof createMetrics> },
): Record<string, Handler> {
  const { state, turnedAt, metrics } = health;
  const routes: Record<string, Handler> = {
    ...healthRoutes({
      live: {
        loops: () => (performance.now() - turnedAt() > stuckMs ? 'no loop has turned for two minutes' : undefined),
      },
      ready: {
        database: async () => {
          await pool.query('select 1');
          return undefined;
        },
        receiver: () => {
          if (state.mode === 'starting') return 'not begun yet';
          return performance.now() - state.lastGoodAt > stuckMs
            ? 'Telegram has not answered for two minutes'
            : undefined;
        },
      },
      metrics,
    }),
    'POST /kie/callback/:nonce': callbackRoute(pool, log),
  };
  const secret = env.NEUROCARDS_TELEGRAM_WEBHOOK_SECRET;
  if (secret !== undefined) {
    routes[`POST ${webhookPath}`] = webhookRoute(
      secret,
      (updates) => takeIn(updates, { database: pool, telegram, log }),
      log,
    );
  }
  return routes;
}
