/** The languages a person can choose; the database holds these words too. */
export const LANGUAGES = ['ru', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The language for a Telegram client's IETF tag; English where we do not speak it. */
export function languageOf(tag: string | undefined): Language {
  return tag !== undefined && /^ru\b/i.test(tag) ? 'ru' : 'en';
}
