import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino';
import { describeError } from './error.ts';
import { redact } from './redact.ts';

export type { Logger } from 'pino';

export type LogLevel = LevelWithSilent;

export interface LoggerOptions {
  /** bot, controller, runner, admin: in every line. */
  readonly service: string;
  readonly level?: LogLevel;
}

/**
 * A logger that writes one JSON object a line to standard output, at once (a process that dies has said everything).
 * Whole lines are redacted, whatever field a secret came in. Log identifiers, never bodies, prompts or chat texts.
 */
export function createLogger(
  { service, level = 'info' }: LoggerOptions,
  destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
    },
    { write: (line: string) => destination.write(redact(line)) },
  );
}
