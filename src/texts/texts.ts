import type { Catalog } from './catalog.ts';
import { en } from './en.ts';
import type { Language } from './language.ts';
import { ru } from './ru.ts';

const catalogs: Readonly<Record<Language, Catalog>> = { ru, en };

/** All texts in a person's language. */
export function textsIn(language: Language): Catalog {
  return catalogs[language];
}
