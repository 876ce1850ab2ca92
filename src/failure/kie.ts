import type { FailureClass } from './classes.ts';

/** What was seen of KIE. Every part is optional because every part has been seen missing. */
export type KieSighting = {
  /** `create` the paid POST, `record` the call that looks at a task, `task` what a task says of itself. */
  readonly where: 'create' | 'record' | 'task' | 'upload' | 'download';
  readonly taskState?: string | undefined;
  readonly failCode?: string | undefined;
  readonly failMsg?: string | undefined;
  /** `code` and `msg` of the answer's body, which often disagree with the HTTP status. */
  readonly code?: number | undefined;
  readonly message?: string | undefined;
  readonly httpStatus?: number | undefined;
  /** No answer: `not-sent` before a byte left us (refused, no such host, TLS), `lost` anything later. */
  readonly network?: 'not-sent' | 'lost' | undefined;
  readonly retryAfterSeconds?: number | undefined;
};

export type KieVerdict = {
  readonly class: FailureClass;
  /** Whether surely no task was made by this call. Only ever true of `create` and `upload`. */
  readonly certain: boolean;
  readonly retryAfterSeconds?: number;
};

type TextRule = readonly [pattern: RegExp, failure: FailureClass];

/**
 * KIE's words, in the order they are tried: its numbers are reused (500 for a paused model, 429 for no credits, 422 for five
 * different things), its words are not. From vendors' error pages and published logs of clients.
 */
const operatorTexts: readonly TextRule[] = [
  [
    /credits?( are| is)? insufficient|insufficient (credits?|balance)|please top up|AccountOverdue/i,
    'operator-balance',
  ],
  [/do not have access permissions|^unauthorized\b|invalid api[ -]?key|ip .{0,20}whitelist/i, 'operator-key'],
  [/model name you specified is not supported|temporarily paused|feature .{0,30}disabled/i, 'operator-model'],
];

const userTexts: readonly TextRule[] = [
  [/minor[ _]upload|contains? (an? )?minor|minor content/i, 'user-minor'],
  [/PROMINENT_PEOPLE_FILTER|celebrity detected|third[- ]party content/i, 'user-brand'],
  [/IP_INPUT_IMAGE|copyrighted[ _]material|copyright (violation|infringement)/i, 'user-brand'],
  [/photorealistic people|realistic human|real (person|people)\b|PrivacyInformation/i, 'user-person'],
  [/prominent[ _]people[ _]upload/i, 'user-person'],
  [
    /unsafe[ _]image[ _]upload|image content .{0,40}violates|content was flagged|flagged by content checker/i,
    'user-policy',
  ],
  [/content security policy|nudity detected|violence content blocked|content_policy_violation/i, 'user-policy'],
  [/(Input|Output)(Image|Video|Audio)SensitiveContent|SAFETY\.(INPUT\.IMAGE|OUTPUT)/, 'user-policy'],
  [
    /prompt contains prohibited|prompt was flagged|caught by our ai moderator|InputTextSensitiveContent/i,
    'user-prompt',
  ],
  [/description contains sensitive content|PUBLIC_ERROR_AUDIO_FILTERED|SAFETY\.INPUT\.TEXT/i, 'user-prompt'],
  [/PUBLIC_ERROR_(UNSAFE_GENERATION|SEXUAL|VIOLENCE_FILTER|DANGER_FILTER)/i, 'user-prompt'],
  [/rejected by flow\b/i, 'user-prompt'],
  [
    /file type not supported|image size exceeds|couldn.t process the provided image|invalid_image_format/i,
    'user-photo',
  ],
  [/image_too_(small|large)|unsupported_image_format|aspect ratio must be between/i, 'user-photo'],
  [/image width and height must be/i, 'user-photo'],
];

const otherTexts: readonly TextRule[] = [
  [/failed to fetch the image|resource download failed/i, 'operator-url'],
  [/range of allowed options|ratio error|\bis required\b|cannot be empty|only english prompts/i, 'operator-request'],
  [/rate limit|call frequency|request limit has been exceeded|too many requests/i, 'provider-rate'],
  [/maintenance|server is busy/i, 'provider-busy'],
  [/time[d]?[ -]?out\b/i, 'provider-timeout'],
  [/internal (server )?error|server exception|generation failed|unable to process request/i, 'provider-internal'],
];

const codes: Readonly<Record<number, FailureClass>> = {
  400: 'operator-request',
  401: 'operator-key',
  402: 'operator-balance',
  403: 'operator-key',
  404: 'operator-request',
  405: 'operator-request',
  408: 'provider-timeout',
  413: 'operator-request',
  422: 'operator-request',
  429: 'provider-rate',
  433: 'provider-rate',
  451: 'operator-url',
  455: 'provider-busy',
  505: 'operator-model',
};

/** Seconds to wait where the answer names none: a window of KIE's rate limit; maintenance takes longer. */
const defaultRetryAfter: Partial<Record<FailureClass, number>> = { 'provider-rate': 10, 'provider-busy': 30 };

/**
 * Says what a sighting means, by the task's state, then KIE's words, then its code, then the HTTP status. Words it does not
 * know are never blamed on the user, and a create whose outcome is not certain is `ambiguous`.
 */
export function classifyKie(seen: KieSighting): KieVerdict {
  switch (seen.where) {
    case 'task':
      return { class: taskClass(seen), certain: false };
    case 'record':
      return withPause(recordClass(seen), false, seen);
    case 'download':
      return withPause(downloadClass(seen), false, seen);
    case 'upload': {
      const failure = requestClass(seen);
      return withPause(vague(failure) ? 'provider-busy' : failure, true, seen);
    }
    case 'create': {
      const failure = requestClass(seen);
      return vague(failure) ? { class: 'ambiguous', certain: false } : withPause(failure, true, seen);
    }
  }
}

/** A call that was to make something: what refused it, or `ambiguous` and its kin when that is not known. */
function requestClass(seen: KieSighting): FailureClass {
  if (seen.network !== undefined) return seen.network === 'not-sent' ? 'provider-busy' : 'ambiguous';
  const text = seen.message ?? '';
  const code = refusalCode(seen);
  const byText = textClass(text, [operatorTexts, userTexts, otherTexts]);
  // These two refuse for certain only under their own numbers; under a 500 the server may have worked all the same.
  if (byText === 'provider-busy' && code !== 455) return 'ambiguous';
  if (byText === 'provider-rate' && code !== 429 && code !== 433) return 'ambiguous';
  if (byText !== undefined) return byText;
  return codes[code] ?? 'ambiguous';
}

function vague(failure: FailureClass): boolean {
  return failure === 'ambiguous' || failure === 'provider-internal' || failure === 'provider-timeout';
}

/** A task that failed by its own word, or one that is not over when our patience is. */
function taskClass(seen: KieSighting): FailureClass {
  if (seen.taskState !== 'fail') return 'provider-timeout';
  const text = seen.failMsg !== undefined && seen.failMsg !== '' ? seen.failMsg : rootText(seen);
  const byText = textClass(text, [operatorTexts, userTexts, otherTexts]);
  if (byText !== undefined) return byText;
  const code = Number.parseInt(seen.failCode ?? '', 10);
  const byCode = codes[code];
  // 400, 422 and the like over a made task: nobody knows whose fault it was, so it is the provider's.
  return byCode === undefined || byCode === 'operator-request' ? 'provider-internal' : byCode;
}

/** The root text says "success" over a failed task; it speaks of the task only when the root code is an error. */
function rootText(seen: KieSighting): string {
  return seen.code === undefined || seen.code === 200 ? '' : (seen.message ?? '');
}

/** A look that failed speaks of itself, not of the task, and never of the user. */
function recordClass(seen: KieSighting): FailureClass {
  if (seen.network !== undefined) return 'provider-busy';
  const text = seen.message ?? '';
  if (/recordinfo is null|task not found/i.test(text)) return 'provider-lost';
  const code = refusalCode(seen);
  if (code === 404) return 'provider-lost';
  return textClass(text, [operatorTexts, otherTexts]) ?? codes[code] ?? 'provider-internal';
}

function downloadClass(seen: KieSighting): FailureClass {
  if (seen.network !== undefined) return 'provider-busy';
  const status = seen.httpStatus ?? 0;
  if (status === 429) return 'provider-rate';
  if (status >= 500 || status === 408) return 'provider-busy';
  return 'provider-lost';
}

/** The body's code is the answer unless it says 200 under another HTTP status. */
function refusalCode(seen: KieSighting): number {
  return seen.code !== undefined && seen.code !== 200 ? seen.code : (seen.httpStatus ?? 0);
}

function textClass(text: string, tables: readonly (readonly TextRule[])[]): FailureClass | undefined {
  if (text === '') return undefined;
  for (const table of tables) {
    for (const [pattern, failure] of table) if (pattern.test(text)) return failure;
  }
  return undefined;
}

/** A cut connection, or an error of a moment, is no maintenance: who meets it tries again in its own time. */
function withPause(failure: FailureClass, certain: boolean, seen: KieSighting): KieVerdict {
  const mayPause = failure === 'provider-rate' || failure === 'provider-busy';
  const seconds = seen.retryAfterSeconds ?? (isAskedToWait(failure, seen) ? defaultRetryAfter[failure] : undefined);
  return { class: failure, certain, ...(mayPause && seconds !== undefined ? { retryAfterSeconds: seconds } : {}) };
}

function isAskedToWait(failure: FailureClass, seen: KieSighting): boolean {
  return failure === 'provider-rate' || seen.code === 455 || /maintenance|server is busy/i.test(seen.message ?? '');
}
