import { z } from 'zod';
import { databaseUrl, httpUrl, integer, logLevel, seconds, secret, text } from '../config/pieces.ts';
import { ORDER_ID_PATTERN } from '../videojob/order-id.ts';

/** What every runner pod is told: whose work it does. The controller adds these to the pod template. */
const identity = {
  NEUROCARDS_ORDER: z.string().regex(ORDER_ID_PATTERN).describe('the order id of the VideoJob'),
  NEUROCARDS_VIDEOJOB_UID: text('the UID of the VideoJob'),
  NEUROCARDS_EXECUTION: integer(1, 1_000_000, 'the number of this execution'),
  NEUROCARDS_DATABASE_URL: databaseUrl(),
  NEUROCARDS_STORAGE_DIRECTORY: text('the directory where the photo and video volume is mounted'),
  NEUROCARDS_LOG_LEVEL: logLevel().default('info'),
};

/** Settings of `neurocards-runner generate`. */
export const generateEnvironment = z.object({
  ...identity,
  NEUROCARDS_KIE_API_KEY: secret('the API key of KIE.ai'),
  NEUROCARDS_KIE_BASE_URL: httpUrl().default('https://api.kie.ai'),
  NEUROCARDS_KIE_UPLOAD_URL: httpUrl().default('https://kieai.redpandaai.co'),
  NEUROCARDS_PROMPTER_API_KEY: secret('the API key of the chat completions service'),
  NEUROCARDS_PROMPTER_BASE_URL: httpUrl('the URL of an OpenAI-compatible service, without /v1').default(
    'https://api.openai.com',
  ),
  NEUROCARDS_PROMPTER_MODEL: text('the model that writes prompts').default('gpt-6-luna'),
  NEUROCARDS_PROMPTER_TIMEOUT_SECONDS: seconds(1, 120).default(30),
  NEUROCARDS_PUBLIC_URL: httpUrl('the public https URL of the bot, for callbacks of the provider').optional(),
});

/** Settings of `neurocards-runner deliver`. */
export const deliverEnvironment = z.object({
  ...identity,
  NEUROCARDS_TELEGRAM_BOT_TOKEN: secret('the token of the Telegram bot'),
  NEUROCARDS_TELEGRAM_API_ROOT: httpUrl().default('https://api.telegram.org'),
  NEUROCARDS_DELIVERY_TIMEOUT_SECONDS: seconds(1, 86_400).default(180),
});
