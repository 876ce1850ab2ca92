import { parseArgs } from 'node:util';
import { z } from 'zod';
import { DevEnvironmentError } from '../errors.ts';
import { startTelegram } from './server.ts';

const usage = `Runs the stand-in of the Telegram Bot API alone, with its chat page.

  node dev/telegram/main.ts --state DIRECTORY --token-env NAME [--port PORT] [--host HOST] [--username NAME]

  --state DIRECTORY   where chats, files and the journal are kept (they survive a restart)
  --token-env NAME    the environment variable that holds the bot's token, for example 123456:anything
  --port PORT         the port to listen on (default 8081, 0 for a free one)
  --host HOST         the address to listen on (default 127.0.0.1)
  --username NAME     the bot's username (default neurocards_demo_bot)
  --help              this text
`;

const settings = z.object({
  state: z.string({ error: '--state is missing' }).min(1),
  'token-env': z.string({ error: '--token-env is missing' }).min(1),
  port: z.coerce.number({ error: '--port must be a number' }).int().min(0).max(65_535).default(8081),
  host: z.string().default('127.0.0.1'),
  username: z.string().default('neurocards_demo_bot'),
});

function read(): z.infer<typeof settings> & { token: string } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { state: text, 'token-env': text, port: text, host: text, username: text, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const parsed = settings.safeParse(values);
  if (!parsed.success) throw new DevEnvironmentError('BadSetting', `${z.prettifyError(parsed.error)}\n\n${usage}`);
  const token = process.env[parsed.data['token-env']] ?? '';
  if (!/^[1-9]\d*:[\w-]+$/.test(token)) {
    throw new DevEnvironmentError(
      'BadSetting',
      `The environment variable ${parsed.data['token-env']} holds no bot token: set it to digits, a colon and letters, for example 123456:test.`,
    );
  }
  return { ...parsed.data, token };
}

try {
  const { state, port, host, username, token } = read();
  const telegram = await startTelegram({ host, port, stateDirectory: state, botToken: token, botUsername: username });
  process.stdout.write(`Telegram stand-in: ${telegram.url} (Bot API, control interface below /dev/, chat page at /)\n`);
  const stop = () => {
    void telegram.close().then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
