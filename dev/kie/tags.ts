/**
 * Reads `[[emu:NAME]]` and `[[emu:NAME:REST]]` tags out of a prompt: how one task is made to go wrong without touching the
 * others. REST may hold colons.
 */
export type Tags = {
  has(name: string): boolean;
  /** What follows the name, empty when nothing does; `undefined` without the tag. */
  value(name: string): string | undefined;
  /** The same as a number, `fallback` when nothing (or no number) follows; `undefined` without the tag. */
  number(name: string, fallback: number): number | undefined;
  /** The first tag whose name starts so, e.g. `refuse-`. */
  startingWith(prefix: string): { readonly name: string; readonly value: string } | undefined;
};

export function tagsOf(prompt: string): Tags {
  const tags = new Map<string, string>();
  for (const match of prompt.matchAll(/\[\[emu:([a-z0-9-]+)(?::([^\]]*))?\]\]/g)) {
    const [, name, value] = match;
    if (name !== undefined && !tags.has(name)) tags.set(name, value ?? '');
  }
  return {
    has: (name) => tags.has(name),
    value: (name) => tags.get(name),
    number(name, fallback) {
      const text = tags.get(name);
      if (text === undefined) return undefined;
      const number = Number.parseFloat(text);
      return Number.isFinite(number) ? number : fallback;
    },
    startingWith(prefix) {
      for (const [name, value] of tags) if (name.startsWith(prefix)) return { name, value };
      return undefined;
    },
  };
}
