import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { parseEnvironment } from './environment.ts';
import { ConfigError } from './error.ts';
import { choice, databaseUrl, flag, httpAddress, httpUrl, integer, logLevel, seconds, secret } from './pieces.ts';

const read = <S extends z.ZodObject>(schema: S, env: Record<string, string>) =>
  parseEnvironment(schema, env, { service: 'bot' });

function problems(schema: z.ZodObject, env: Record<string, string>): readonly string[] {
  try {
    read(schema, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function file(content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'neurocards-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'secret');
  writeFileSync(path, content);
  return path;
}

test('settings are read as what they are', () => {
  const schema = z.object({
    LISTEN: httpAddress(),
    EVERYWHERE: httpAddress(),
    SIX: httpAddress(),
    LEVEL: logLevel().default('info'),
    WAIT: seconds(0, 60),
    COUNT: integer(1, 9),
    ON: flag(),
    BASE: httpUrl(),
    MODE: choice(['Pod', 'Managed']).optional(),
  });
  const env = { LISTEN: '127.0.0.1:80', EVERYWHERE: ':8080', SIX: '[::1]:0', WAIT: '0.5', COUNT: '3', ON: 'yes' };
  expect(read(schema, { ...env, BASE: 'https://x.y/z/', LEVEL: '' })).toEqual({
    LISTEN: { host: '127.0.0.1', port: 80 },
    EVERYWHERE: { host: '0.0.0.0', port: 8080 },
    SIX: { host: '::1', port: 0 },
    LEVEL: 'info',
    WAIT: 0.5,
    COUNT: 3,
    ON: true,
    BASE: 'https://x.y/z',
  });
});

test('a secret comes from its variable or from its file, without the newline at the end', () => {
  const schema = z.object({ TOKEN: secret(), KEY: secret().optional() });
  expect(read(schema, { TOKEN: 'a\n', KEY_FILE: file('b\n') })).toEqual({ TOKEN: 'a', KEY: 'b' });
});

test('what is no secret has no file', () => {
  expect(problems(z.object({ COUNT: integer(1, 9) }), { COUNT_FILE: file('3') })).toHaveLength(1);
});

test('every problem is told at once, each in a sentence that names the variable and the remedy', () => {
  const schema = z.object({
    DATABASE_URL: databaseUrl(),
    COUNT: integer(1, 9),
    LISTEN: httpAddress(),
    TOKEN: secret(),
  });
  const env = { DATABASE_URL: 'mysql://root:hunter2@x', COUNT: '12', LISTEN: '80', TOKEN_FILE: '/does/not/exist' };
  expect(problems(schema, env)).toEqual([
    'TOKEN_FILE names /does/not/exist, which cannot be read: create the file or correct the path.',
    'DATABASE_URL is set, but not to what it must be: it is not a postgres:// URL. Set it to a PostgreSQL URL such as postgres://user:password@host:5432/neurocards.',
    'COUNT is set, but not to what it must be: it is not from 1 to 9. Set it to a whole number from 1 to 9.',
    'LISTEN is set, but not to what it must be: it is not host:port. Set it to an address to listen on such as 127.0.0.1:8080 or :8080.',
  ]);
  expect(problems(z.object({ TOKEN: secret('the token of the bot') }), {})).toEqual([
    'TOKEN (or TOKEN_FILE) is not set: set it to the token of the bot.',
  ]);
});

test('a secret that is set twice is refused, because nobody knows which one counts', () => {
  expect(problems(z.object({ TOKEN: secret() }), { TOKEN: 'a', TOKEN_FILE: file('b') })).toEqual([
    'TOKEN and TOKEN_FILE are both set: keep one of them.',
  ]);
});
