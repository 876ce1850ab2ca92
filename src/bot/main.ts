import type { Environment } from '../config/environment.ts';
import { ConfigError } from '../config/error.ts';
import { createHttpServer } from '../http/server.ts';
import { assemble } from './assemble.ts';
import { type BotEnvironment, readBotEnvironment } from './config.ts';
import { startLoops } from './loops.ts';
import { routesOf } from './routes.ts';

/**
 * Runs the bot until SIGTERM or SIGINT: any number of replicas, of which one receives. Answers the exit code: 0 after a stop,
 * 2 for wrong settings. Throws ListenError when its port is taken.
 */
export async function run(_argv: readonly string[], variables: Environment): Promise<number> {
  let env: BotEnvironment;
  try {
    env = readBotEnvironment(variables);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const bot = assemble(env, variables['KUBECONFIG']);
  const server = await createHttpServer({ address: env.NEUROCARDS_HTTP_ADDRESS, routes: routesOf(bot), log: bot.log });
  bot.log.info({ url: server.url }, 'the bot runs');
  // Returns when every loop has ended its turn: what was begun is finished, and nothing new is.
  await startLoops(bot, stopping.signal);
  await server.close();
  await bot.close();
  bot.log.info('the bot has stopped');
  return 0;
}
