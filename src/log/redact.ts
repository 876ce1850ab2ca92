/*
 * What must never reach a log, recognised by its shape: a Telegram token (alone or in a URL), a bearer token, an
 * Authorization header, the password of a URL and a signature in a query. Names of fields are not enough, because errors
 * of libraries carry whole URLs in their messages.
 */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/bot\d+:[\w-]+/g, 'bot[redacted]'],
  [/\b\d{6,}:[\w-]{30,}/g, '[redacted]'],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, '$1 [redacted]'],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s/:@"\\]*):[^\s/@"\\]+@/gi, '$1:[redacted]@'],
  [
    /([?&](?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|signature|token|key|secret)=)[^&\s"\\]+/gi,
    '$1[redacted]',
  ],
];

/** The text with every secret of a known shape replaced. JSON stays valid JSON. */
export function redact(text: string): string {
  let safe = text;
  for (const [pattern, replacement] of PATTERNS) safe = safe.replace(pattern, replacement);
  return safe;
}
