/**
 * The text as PostgreSQL can hold it: without NUL, and with lone halves of surrogate pairs replaced. Anybody may send both, and one
 * such character would have a whole statement refused, again and again.
 */
export function storableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** The value as JSON that PostgreSQL can hold. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? storableText(part) : part));
}
