import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createKubeClient } from '../kube/client.ts';
import { createLogger, type Logger } from '../log/logger.ts';
import { createMetrics, type Metrics } from '../metrics/metrics.ts';
import { createPhotoNormaliser } from '../photo/normaliser.ts';
import { createPool, type DatabasePool } from '../postgres/pool.ts';
import { createFileStorage } from '../storage/files.ts';
import { createTelegramClient } from '../telegram/client.ts';
import { createCheckouts } from './checkout.ts';
import { type BotEnvironment, offerOf } from './config.ts';
import type { Desk } from './desk.ts';
import { createIdentity } from './identity.ts';
import type { Intake } from './intake.ts';
import { createInvitation } from './invitation.ts';
import { type BotMetrics, createBotMetrics } from './metrics.ts';
import type { ReceiverState } from './receiver.ts';
import { createVideoJobs, type VideoJobs } from './video-jobs.ts';

/** One replica of the bot: its doors, and what it knows of itself. */
export interface Bot {
  env: BotEnvironment;
  /** Unique to this process, in leases. */
  owner: string;
  pool: DatabasePool;
  desk: Desk;
  /** Where updates come in. */
  intake: Intake;
  videoJobs: VideoJobs;
  log: Logger;
  metrics: Metrics;
  counts: BotMetrics;
  receiver: ReceiverState;
  /** When each loop last began a turn (ms of the monotonic clock). */
  turnedAt: Map<string, number>;
  close(): Promise<void>;
}

const connections = 12;
/** Of checkouts alone: Telegram waits 10 s for their answer, whatever all others wait for. */
const checkoutPool = { max: 2, connectTimeoutMillis: 3_000, statementTimeoutMillis: 3_000 };

/** Opens the doors; nothing is connected to yet. */
export function assemble(env: BotEnvironment, kubeconfig: string | undefined): Bot {
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
  const kube = createKubeClient({ kubeconfig, userAgent: 'neurocards-bot', metrics });
  const videoJobs = createVideoJobs(kube, env.NEUROCARDS_NAMESPACE, log);
  const telegram = createTelegramClient({
    token: env.NEUROCARDS_TELEGRAM_BOT_TOKEN,
    apiRoot: env.NEUROCARDS_TELEGRAM_API_ROOT,
    onRequest: counts.telegram,
  });
  const checkoutDatabase = createPool(env.NEUROCARDS_DATABASE_URL, {
    applicationName: 'neurocards-bot-checkout',
    ...checkoutPool,
    onIdleError: (error) => log.warn({ err: error }, 'an idle database connection was lost'),
  });
  const contact = env.NEUROCARDS_SUPPORT_CONTACT;
  return {
    env,
    owner: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
    pool,
    desk: {
      database: pool,
      telegram,
      storage: createFileStorage(env.NEUROCARDS_STORAGE_DIRECTORY),
      normalisePhoto: createPhotoNormaliser(photoChild()),
      offer: offerOf(env),
      contact,
      identityOf: createIdentity(env.NEUROCARDS_IDENTITY_PEPPER),
      invitation: createInvitation(telegram),
      log,
      mirrorCancel: videoJobs.mirrorCancel,
    },
    intake: {
      pool,
      checkouts: createCheckouts({ database: checkoutDatabase, telegram, log, onAnswer: counts.checkout }),
      contact,
      log,
      onBooked: counts.booking,
    },
    videoJobs,
    log,
    metrics,
    counts,
    receiver: { mode: 'starting', lastGoodAt: performance.now() },
    turnedAt: new Map(),
    async close() {
      await kube.close();
      await Promise.all([pool.end(), checkoutDatabase.end()]);
    },
  };
}

/** The child's entry beside us when we are bundled. */
function photoChild(): { childPath?: string } {
  return import.meta.url.endsWith('.mjs')
    ? { childPath: fileURLToPath(new URL('./photo-child.mjs', import.meta.url)) }
    : {};
}
