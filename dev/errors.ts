/** What kind of trouble the machine gave us; a closed list, so that callers and tests can tell cases apart. */
export type DevEnvironmentReason =
  | 'BadSetting'
  | 'BuildFailed'
  | 'CacheCorrupted'
  | 'DirectoryInUse'
  | 'ExitedEarly'
  | 'NoDemo'
  | 'NoPermission'
  | 'NotReady'
  | 'PackageMissing'
  | 'PortTaken'
  | 'ProgramsUnavailable'
  | 'UnsupportedPlatform';

/**
 * The machine lacks something that running Neurocards on it needs. The message is one sentence for the person at the
 * keyboard: what is wrong and what to do about it.
 */
export class DevEnvironmentError extends Error {
  readonly reason: DevEnvironmentReason;

  constructor(reason: DevEnvironmentReason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'DevEnvironmentError';
    this.reason = reason;
  }
}

/** The code (`ENOENT`, `EACCES`...) of a system error, or undefined when it is none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
