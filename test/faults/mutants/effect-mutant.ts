import { z } from 'zod';

/** What is done to every effect of one name. */
const ways = ['skip', 'double', 'swap'] as const;

const effectMutant = z.object({ name: z.string(), way: z.enum(ways), effect: z.string() });
export type EffectMutant = z.infer<typeof effectMutant>;
export const effectMutantList = z.array(effectMutant);

/** Which mutants a process plays; with `list` it only tells which there are. */
export const shareSchema = z.object({
  seed: z.number(),
  names: z.array(z.string()).default([]),
  list: z.boolean().default(false),
});

/** What a process says of one mutant: which oracle of which run noticed it, or that none did. */
export const effectVerdict = z.object({
  name: z.string(),
  caughtBy: z.string().nullable(),
  tried: z.number().optional(),
});
export type EffectVerdict = z.infer<typeof effectVerdict>;

/** They ask and change nothing: there is nothing to skip, to double or to swap. */
const questions = new Set([
  ...['observe', 'recordInfo', 'echo', 'read', 'download', 'prompt', 'get VideoJob', 'get Job', 'get Pod', 'list pods'],
]);

/** Every effect that the reference runs record, skipped, doubled, and swapped with its successor. */
export function effectMutantsOf(effects: readonly string[]): EffectMutant[] {
  return effects
    .filter((effect) => !questions.has(effect))
    .flatMap((effect) => ways.map((way) => ({ name: `simulation: ${way} ${effect}`, way, effect })));
}
