import { writeFileSync } from 'node:fs';
import { parseEnvironment } from './config/environment.ts';
import { ConfigError } from './config/error.ts';
import { recordRequests, type Stage } from './ledger/executions.ts';
import { createLogger, type Logger } from './log/logger.ts';
import { redact } from './log/redact.ts';
import { createPool } from './postgres/pool.ts';
import { createPrompter } from './prompter/completions.ts';
import { createKieProvider } from './provider/kie/provider.ts';
import { deliverEnvironment, generateEnvironment } from './runner/config.ts';
import { runDelivery } from './runner/deliver.ts';
import { exitCodes, type RunnerEnd } from './runner/exit.ts';
import { generate } from './runner/generate.ts';
import { createRequestTally } from './runner/request-tally.ts';
import { createFileStorage } from './storage/files.ts';
import { createTelegramChat } from './telegram/chat.ts';

const usage =
  'usage: neurocards-runner generate|deliver\nSettings come from the environment; see docs/reference/environment.md.';

/** A pool that holds no connection while the runner waits for the outside. */
const shortConnections = { applicationName: 'neurocards-runner', max: 2, idleTimeoutMillis: 500 };

async function runGenerate(stopping: AbortSignal): Promise<RunnerEnd> {
  const env = parseEnvironment(generateEnvironment, process.env, { service: 'runner generate' });
  const log = createLogger({ service: 'runner', level: env.NEUROCARDS_LOG_LEVEL }).child({
    order: env.NEUROCARDS_ORDER,
    execution: env.NEUROCARDS_EXECUTION,
  });
  const database = createPool(env.NEUROCARDS_DATABASE_URL, shortConnections);
  const tally = createRequestTally();
  const tools = {
    database,
    log,
    stopping,
    provider: createKieProvider({
      baseUrl: env.NEUROCARDS_KIE_BASE_URL,
      uploadUrl: env.NEUROCARDS_KIE_UPLOAD_URL,
      apiKey: env.NEUROCARDS_KIE_API_KEY,
      onRequest: (operation, outcome) => tally.add('provider', operation, outcome),
    }),
    prompter: createPrompter({
      baseUrl: env.NEUROCARDS_PROMPTER_BASE_URL,
      apiKey: env.NEUROCARDS_PROMPTER_API_KEY,
      model: env.NEUROCARDS_PROMPTER_MODEL,
      timeoutMs: env.NEUROCARDS_PROMPTER_TIMEOUT_SECONDS * 1000,
      onRequest: (outcome) => tally.add('prompter', 'write', outcome),
    }),
    storage: createFileStorage(env.NEUROCARDS_STORAGE_DIRECTORY),
    callbackAddress: env.NEUROCARDS_PUBLIC_URL === undefined ? undefined : `${env.NEUROCARDS_PUBLIC_URL}/kie/callback`,
  };
  try {
    const end = await generate(env, tools);
    log.info({ exitCode: end.code }, end.message);
    return end;
  } finally {
    await countRequests('generation', env, tally, database, log);
    await database.end();
  }
}

async function runDeliver(stopping: AbortSignal): Promise<RunnerEnd> {
  const env = parseEnvironment(deliverEnvironment, process.env, { service: 'runner deliver' });
  const log = createLogger({ service: 'runner', level: env.NEUROCARDS_LOG_LEVEL }).child({
    order: env.NEUROCARDS_ORDER,
    execution: env.NEUROCARDS_EXECUTION,
  });
  const database = createPool(env.NEUROCARDS_DATABASE_URL, shortConnections);
  const tally = createRequestTally();
  const tools = {
    database,
    log,
    stopping,
    chat: createTelegramChat({
      token: env.NEUROCARDS_TELEGRAM_BOT_TOKEN,
      apiRoot: env.NEUROCARDS_TELEGRAM_API_ROOT,
      onRequest: (method, outcome) => tally.add('telegram', method, outcome),
    }),
    storage: createFileStorage(env.NEUROCARDS_STORAGE_DIRECTORY),
  };
  try {
    const end = await runDelivery(env, tools);
    log.info({ exitCode: end.code }, end.message);
    return end;
  } finally {
    await countRequests('delivery', env, tally, database, log);
    await database.end();
  }
}

async function countRequests(
  stage: Stage,
  env: { NEUROCARDS_ORDER: string; NEUROCARDS_VIDEOJOB_UID: string; NEUROCARDS_EXECUTION: number },
  tally: ReturnType<typeof createRequestTally>,
  database: ReturnType<typeof createPool>,
  log: Logger,
): Promise<void> {
  try {
    await recordRequests(
      database,
      env.NEUROCARDS_ORDER,
      env.NEUROCARDS_VIDEOJOB_UID,
      stage,
      env.NEUROCARDS_EXECUTION,
      tally.take(),
    );
  } catch (error) {
    // Figures only: the verdict stands, and a runner must not look crashed for want of a count.
    log.warn({ err: error }, 'requests were not counted');
  }
}

async function main(): Promise<number> {
  const stopping = new AbortController();
  process.once('SIGTERM', () => stopping.abort());
  process.once('SIGINT', () => stopping.abort());
  const command = process.argv[2];
  if (command !== 'generate' && command !== 'deliver') {
    process.stderr.write(`${usage}\n`);
    return exitCodes.misconfigured;
  }
  try {
    const end = await (command === 'generate' ? runGenerate(stopping.signal) : runDeliver(stopping.signal));
    terminationMessage(end.message);
    return end.code;
  } catch (error) {
    const text = redact(error instanceof Error ? error.message : 'unknown error');
    process.stderr.write(`${text}\n`);
    terminationMessage(text);
    return error instanceof ConfigError ? exitCodes.misconfigured : exitCodes.failed;
  }
}

function terminationMessage(text: string): void {
  try {
    writeFileSync(process.env['NEUROCARDS_TERMINATION_MESSAGE'] ?? '/dev/termination-log', text.slice(0, 2000));
  } catch {
    // Outside a pod there is no such file; the same text is on standard output.
  }
}

process.exitCode = await main();
