type Form = 'one' | 'few' | 'many' | 'other';

/**
 * The form of a word that goes with a number, by the rules of the language (CLDR).
 * A language without a form of its own for a number takes `other`.
 */
export function pluralOf(
  locale: string,
): (count: number, forms: Partial<Record<Form, string>> & { other: string }) => string {
  const rules = new Intl.PluralRules(locale);
  return (count, forms) => {
    const form = rules.select(count);
    return form === 'zero' || form === 'two' ? forms.other : (forms[form] ?? forms.other);
  };
}

/** Whole minutes, at least one: nobody plans in seconds. */
export function wholeMinutes(seconds: number): number {
  return Math.max(1, Math.round(seconds / 60));
}
