/** Text of a person, or of an operator's setting, made harmless for Telegram's HTML mode. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The beginning of a text, escaped, in whole characters: for a reminder of what somebody wrote. */
export function excerpt(text: string, maxCharacters: number): string {
  const characters = Array.from(text);
  const short = characters.length <= maxCharacters ? text : `${characters.slice(0, maxCharacters).join('').trimEnd()}…`;
  return escapeHtml(short);
}
