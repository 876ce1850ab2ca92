import type { Method } from '../telegram.ts';
import { editing } from './editing.ts';
import { payments } from './payments.ts';
import { profile } from './profile.ts';
import { receiving } from './receiving.ts';
import { sending } from './sending.ts';

const all: Readonly<Record<string, Method>> = { ...profile, ...receiving, ...sending, ...editing, ...payments };

/** Every method of the Bot API that the stand-in speaks, by its real name. */
export const methodNames: readonly string[] = Object.keys(all);

const byName = new Map(Object.entries(all).map(([name, method]) => [name.toLowerCase(), { name, method }]));

/** The method of that name; letters' case does not matter, as at Telegram. */
export function methodOf(name: string): { readonly name: string; readonly method: Method } | undefined {
  return byName.get(name.toLowerCase());
}
