export type PromptTemplate = 'ugc' | 'ad' | 'self';

export type PromptRequest = {
  readonly template: PromptTemplate;
  /** What the person wrote about the product; for 'self' it is the prompt itself. */
  readonly productText: string;
  readonly wishes: string;
  readonly photo?: { readonly bytes: Uint8Array; readonly mime: string };
  readonly seconds: number;
};

/** Why the deterministic prompt was used instead of a written one (a metric label). */
export const fallbackReasons = [
  'rate',
  'key',
  'balance',
  'unavailable',
  'timeout',
  'refused',
  'truncated',
  'bad-answer',
] as const;
export type FallbackReason = (typeof fallbackReasons)[number];

export type WrittenPrompt =
  | { readonly prompt: string; readonly source: 'completions' }
  | { readonly prompt: string; readonly source: 'person' }
  | { readonly prompt: string; readonly source: 'fallback'; readonly reason: FallbackReason };

/** Writes the prompt of a video. Never throws and never blocks an order: at worst the prompt is the deterministic one. */
export type Prompter = {
  write(request: PromptRequest, signal: AbortSignal): Promise<WrittenPrompt>;
};

export type PrompterOptions = {
  /** Of an OpenAI-compatible service, without `/v1/chat/completions`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly timeoutMs: number;
  /** Told once per request, for metrics. */
  readonly onRequest?: (outcome: 'ok' | FallbackReason) => void;
};
