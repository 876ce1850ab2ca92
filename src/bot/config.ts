import { z } from 'zod';
import type { Environment } from '../config/environment.ts';
import { parseEnvironment } from '../config/environment.ts';
import {
  choice,
  databaseUrl,
  flag,
  httpAddress,
  httpUrl,
  integer,
  logLevel,
  seconds,
  secret,
  text,
} from '../config/pieces.ts';
import { SPEC_DEFAULTS } from '../videojob/build.ts';
import { ASPECT_RATIOS, GENERATION_MODES } from '../videojob/schema.ts';

const { generation, delivery } = SPEC_DEFAULTS;

/** Settings of `neurocards bot`. */
export const botEnvironment = z.object({
  NEUROCARDS_DATABASE_URL: databaseUrl(),
  NEUROCARDS_TELEGRAM_BOT_TOKEN: secret('the token of the Telegram bot'),
  NEUROCARDS_TELEGRAM_API_ROOT: httpUrl().default('https://api.telegram.org'),
  NEUROCARDS_STORAGE_DIRECTORY: text('the directory where the photo and video volume is mounted'),
  NEUROCARDS_NAMESPACE: text('the namespace of the VideoJobs'),
  NEUROCARDS_MAC_KEY: secret('the key that signs orders: a random string, the same for every replica'),
  NEUROCARDS_IDENTITY_PEPPER: secret(
    'a random string of at least 32 characters that never changes: by it a person who had themselves forgotten is known again',
    32,
  ),
  NEUROCARDS_HTTP_ADDRESS: httpAddress().default({ host: '0.0.0.0', port: 8080 }),
  NEUROCARDS_SUPPORT_CONTACT: text('where people reach a human being, for example @your_support').default(
    '@neurocards_support',
  ),
  NEUROCARDS_PROVIDER: choice(['kie']).default('kie'),
  NEUROCARDS_MODEL: text('the model that new orders are made with').default('bytedance/seedance-2-fast'),
  NEUROCARDS_VIDEO_SECONDS: integer(1, 60).default(5),
  NEUROCARDS_ASPECT_RATIO: choice(ASPECT_RATIOS).default(generation.aspectRatio),
  NEUROCARDS_AUDIO: flag().default(generation.audio),
  NEUROCARDS_GENERATION_MODE: choice(GENERATION_MODES).default('Pod'),
  NEUROCARDS_MAX_ATTEMPTS: integer(1, 5).default(generation.maxAttempts),
  NEUROCARDS_GENERATION_TIMEOUT_SECONDS: integer(1, 86_400).default(generation.timeoutSeconds),
  NEUROCARDS_ACTIVE_DEADLINE_SECONDS: integer(1, 86_400).default(SPEC_DEFAULTS.activeDeadlineSeconds),
  NEUROCARDS_QUEUE_TIMEOUT_SECONDS: integer(1, 86_400).default(SPEC_DEFAULTS.queueTimeoutSeconds),
  NEUROCARDS_DELIVERY_MIN_EXECUTIONS: integer(1, 10).default(delivery.minExecutions),
  NEUROCARDS_DELIVERY_TIMEOUT_SECONDS: integer(1, 86_400).default(delivery.timeoutSeconds),
  NEUROCARDS_DELIVERY_DEADLINE_SECONDS: integer(1, 86_400).default(delivery.deadlineSeconds),
  NEUROCARDS_RECEIVER_LEASE_SECONDS: seconds(
    0.5,
    300,
    'a number of seconds from 0.5 to 300 after which another replica receives for one that died',
  ).default(6),
  NEUROCARDS_PUBLIC_URL: httpUrl('the public https URL of the bot, for webhooks and callbacks').optional(),
  NEUROCARDS_TELEGRAM_WEBHOOK_SECRET: secret(
    'a secret of 1 to 256 letters, digits, _ or -: with it and NEUROCARDS_PUBLIC_URL updates come by webhook',
  ).optional(),
  NEUROCARDS_LOG_LEVEL: logLevel().default('info'),
});
export type BotEnvironment = z.output<typeof botEnvironment>;

/** Reads the bot's settings. Throws ConfigError with every problem at once. */
export function readBotEnvironment(env: Environment): BotEnvironment {
  return parseEnvironment(botEnvironment, env, { service: 'bot' });
}

/** What every new order is made with. */
export interface Offer {
  provider: string;
  model: string;
  /** The rest of a VideoJob's spec, as `buildVideoJob` takes it. */
  seconds: number;
  aspectRatio: (typeof ASPECT_RATIOS)[number];
  audio: boolean;
  mode: (typeof GENERATION_MODES)[number];
  maxAttempts: number;
  timeoutSeconds: number;
  activeDeadlineSeconds: number;
  queueTimeoutSeconds: number;
  delivery: { minExecutions: number; timeoutSeconds: number; deadlineSeconds: number };
  signingKey: string;
}

export function offerOf(env: BotEnvironment): Offer {
  return {
    provider: env.NEUROCARDS_PROVIDER,
    model: env.NEUROCARDS_MODEL,
    seconds: env.NEUROCARDS_VIDEO_SECONDS,
    aspectRatio: env.NEUROCARDS_ASPECT_RATIO,
    audio: env.NEUROCARDS_AUDIO,
    mode: env.NEUROCARDS_GENERATION_MODE,
    maxAttempts: env.NEUROCARDS_MAX_ATTEMPTS,
    timeoutSeconds: env.NEUROCARDS_GENERATION_TIMEOUT_SECONDS,
    activeDeadlineSeconds: env.NEUROCARDS_ACTIVE_DEADLINE_SECONDS,
    queueTimeoutSeconds: env.NEUROCARDS_QUEUE_TIMEOUT_SECONDS,
    delivery: {
      minExecutions: env.NEUROCARDS_DELIVERY_MIN_EXECUTIONS,
      timeoutSeconds: env.NEUROCARDS_DELIVERY_TIMEOUT_SECONDS,
      deadlineSeconds: env.NEUROCARDS_DELIVERY_DEADLINE_SECONDS,
    },
    signingKey: env.NEUROCARDS_MAC_KEY,
  };
}
