import { healthRoutes } from '../http/health.ts';
import type { Handler } from '../http/route.ts';
import type { Bot } from './assemble.ts';
import { callbackRoute } from './callback-route.ts';
import { webhookPath, webhookRoute } from './webhook-route.ts';

const stuckMs = 120_000;

/** Everything the bot's HTTP server answers: health, metrics, the provider's callbacks, and Telegram's webhook where it is used. */
export function routesOf(bot: Bot): Record<string, Handler> {
  const { env, pool, log, metrics, receiver } = bot;
  const routes: Record<string, Handler> = {
    ...healthRoutes({
      live: {
        loops: () => {
          const stuck = [...bot.turnedAt].filter(([, at]) => performance.now() - at > stuckMs).map(([name]) => name);
          return stuck.length === 0 ? undefined : `no turn for two minutes: ${stuck.join(', ')}`;
        },
      },
      ready: {
        database: async () => {
          await pool.query('select 1');
          return undefined;
        },
        receiver: () => {
          if (receiver.mode === 'starting') return 'it has not begun to receive, nor found another replica that does';
          const silent = performance.now() - receiver.lastGoodAt > stuckMs;
          return silent ? 'nothing was heard of Telegram for two minutes' : undefined;
        },
      },
      metrics,
    }),
    'POST /kie/callback/:nonce': callbackRoute(pool, log),
  };
  const secret = env.NEUROCARDS_TELEGRAM_WEBHOOK_SECRET;
  if (secret !== undefined) {
    routes[`POST ${webhookPath}`] = webhookRoute(secret, bot.intake);
  }
  return routes;
}
