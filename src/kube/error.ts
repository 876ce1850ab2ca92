import { z } from 'zod';

export interface KubeErrorDetails {
  /** HTTP status, 0 where no answer came: whether a write took place is then unknown. */
  readonly status: number;
  /** The API server's (`NotFound`, `Conflict`, ...), or ours where no answer came: `Network`, `Timeout`, `Unreadable`. */
  readonly reason: string;
  readonly message: string;
  /** Milliseconds the API server asked us to wait. */
  readonly retryAfter?: number | undefined;
  /** Machine-readable reasons in the details, such as `NamespaceTerminating`. */
  readonly causes?: readonly string[] | undefined;
  readonly cause?: unknown;
}

/** A call to the API server that did not succeed. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly status: number;
  readonly reason: string;
  readonly retryAfter: number | undefined;
  readonly causes: readonly string[];

  constructor({ status, reason, message, retryAfter, causes, cause }: KubeErrorDetails) {
    super(message, { cause });
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
    this.causes = causes ?? [];
  }
}

const statusBody = z.looseObject({
  kind: z.literal('Status'),
  code: z.int().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z
    .looseObject({
      retryAfterSeconds: z.number().optional(),
      causes: z.array(z.looseObject({ reason: z.string().optional() })).optional(),
    })
    .optional(),
});

/** The error of an answer with this status; the body is a `Status` object or, from a proxy, anything else. */
export function errorFromAnswer(what: string, status: number, body: unknown, retryAfterHeader?: string): KubeError {
  const parsed = statusBody.safeParse(body);
  const said = parsed.success ? parsed.data : undefined;
  const code = said?.code ?? status;
  const waitSeconds = said?.details?.retryAfterSeconds ?? Number(retryAfterHeader ?? Number.NaN);
  return new KubeError({
    status: code,
    reason: said?.reason || REASONS[code] || 'Unknown',
    message: `${what} failed with ${code}: ${(said?.message ?? 'the answer is not a Status object').slice(0, 1_000)}`,
    retryAfter: Number.isFinite(waitSeconds) ? waitSeconds * 1_000 : undefined,
    causes: said?.details?.causes?.flatMap(({ reason }) => (reason === undefined ? [] : [reason])),
  });
}

/** The API server leaves the reason empty in some answers, and proxies always do. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

export function isKubeError(error: unknown, ...reasons: string[]): error is KubeError {
  return error instanceof KubeError && (reasons.length === 0 || reasons.includes(error.reason));
}

export function isNotFound(error: unknown): boolean {
  return isKubeError(error) && error.status === 404;
}

/** A write met a newer version, or a precondition did not hold. The same status as AlreadyExists, another reason. */
export function isConflict(error: unknown): boolean {
  return isKubeError(error, 'Conflict');
}

export function isAlreadyExists(error: unknown): boolean {
  return isKubeError(error, 'AlreadyExists');
}

/** The resource version is too old to watch from, or a page of a list: list again. Comes as a status and as an event. */
export function isGone(error: unknown): boolean {
  return isKubeError(error) && (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone');
}

/** A create was refused because the namespace is being deleted: that is deletion, not failure. */
export function isNamespaceTerminating(error: unknown): boolean {
  return isKubeError(error) && error.causes.includes('NamespaceTerminating');
}
