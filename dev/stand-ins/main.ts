import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';

const parts = ['telegram', 'kie', 'completions'] as const;
type Part = (typeof parts)[number];

type Running = { readonly url: string; close(): Promise<void> };

const help = `node dev/stand-ins/main.ts [options]      plays the outside services, all in one process

  --only LIST              of telegram,kie,completions; all of them otherwise
  --telegram-port N        a free one otherwise; the same for --kie-port and --completions-port
  --host ADDRESS           127.0.0.1 otherwise
  --state DIR              where their state is kept (.demo/stand-ins otherwise)
  --seconds N              how long a KIE task takes (6 otherwise; PATCH /dev/behaviour changes it)

Keys come from the environment: NEUROCARDS_TELEGRAM_BOT_TOKEN, NEUROCARDS_KIE_API_KEY, NEUROCARDS_PROMPTER_API_KEY.
When all answer, one line of JSON with their addresses is printed.`;

const portSchema = z.coerce.number().int().min(0).max(65_535);

type Settings = {
  readonly host: string;
  readonly state: string;
  readonly seconds: number;
  readonly only: readonly Part[];
  readonly ports: Readonly<Record<Part, number>>;
};

function settingsOf(args: readonly string[]): Settings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      only: { type: 'string', default: parts.join(',') },
      'telegram-port': { type: 'string', default: '0' },
      'kie-port': { type: 'string', default: '0' },
      'completions-port': { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      state: { type: 'string', default: '.demo/stand-ins' },
      seconds: { type: 'string', default: '6' },
    },
  });
  if (values.help === true) return undefined;
  return {
    host: values.host,
    state: resolve(values.state),
    seconds: z.coerce.number().min(0).parse(values.seconds),
    only: z.array(z.enum(parts)).parse(values.only.split(',')),
    ports: {
      telegram: portSchema.parse(values['telegram-port']),
      kie: portSchema.parse(values['kie-port']),
      completions: portSchema.parse(values['completions-port']),
    },
  };
}

function secret(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`The environment variable ${name} is not set: give the stand-in the key it shall accept.`);
  }
  return value;
}

/** Loads only what is asked for: each part costs memory. */
async function start(part: Part, settings: Settings): Promise<Running> {
  const stateDirectory = join(settings.state, part);
  mkdirSync(stateDirectory, { recursive: true });
  const common = { host: settings.host, port: settings.ports[part], stateDirectory };
  switch (part) {
    case 'telegram': {
      const { startTelegram } = await import('../telegram/server.ts');
      return startTelegram({ ...common, botToken: secret('NEUROCARDS_TELEGRAM_BOT_TOKEN') });
    }
    case 'kie': {
      const { startKie } = await import('../kie/server.ts');
      const webhookKey = process.env['NEUROCARDS_KIE_WEBHOOK_KEY'];
      const signed = webhookKey === undefined || webhookKey === '' ? {} : { webhookKey };
      return startKie({ ...common, ...signed, apiKey: secret('NEUROCARDS_KIE_API_KEY'), seconds: settings.seconds });
    }
    case 'completions': {
      const { startCompletions } = await import('../completions/server.ts');
      return startCompletions({ ...common, apiKey: secret('NEUROCARDS_PROMPTER_API_KEY') });
    }
  }
}

async function main(): Promise<void> {
  const settings = settingsOf(process.argv.slice(2));
  if (settings === undefined) {
    console.log(help);
    return;
  }
  const running: [Part, Running][] = [];
  let stopping = false;
  const stop = async (): Promise<void> => {
    // Ctrl-C under npm arrives twice; the second says nothing new.
    if (stopping) return;
    stopping = true;
    await Promise.all(running.map(([, each]) => each.close()));
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
  for (const part of settings.only) running.push([part, await start(part, settings)]);
  console.log(JSON.stringify(Object.fromEntries(running.map(([part, each]) => [part, each.url]))));
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
