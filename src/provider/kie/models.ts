import { z } from 'zod';
import type { SubmitRequest } from '../provider.ts';

/**
 * How our request becomes one model's `input`. KIE refuses "5" where it wants 5 and the other way round, so every input has a
 * schema of its own; from docs.kie.ai/market as of 2026-08.
 */
export type ModelMapper = {
  readonly promptMax: number;
  /** The input of createTask. The prompt is cut to the model's cap, the length rounded to what the model makes. */
  readonly input: (request: SubmitRequest) => Readonly<Record<string, unknown>>;
};

const seedanceInput = z.strictObject({
  prompt: z.string().min(3).max(20_000),
  first_frame_url: z.url(),
  aspect_ratio: z.enum(['9:16', '16:9', '1:1']),
  resolution: z.enum(['480p', '720p']),
  duration: z.int().min(4).max(15),
  generate_audio: z.boolean(),
});

const klingInput = z.strictObject({
  prompt: z.string().min(1).max(2500),
  image_urls: z.array(z.url()).length(1),
  duration: z.string().regex(/^([3-9]|1[0-5])$/),
  resolution: z.enum(['720p', '1080p']),
});

const wanInput = z.strictObject({
  prompt: z.string().min(1).max(800),
  image_url: z.url(),
  duration: z.enum(['5', '10']),
  resolution: z.enum(['720p', '1080p']),
});

function within(seconds: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(seconds)));
}

/** Models refuse a prompt of one or two letters; the photo says enough. */
const filler = ' A short video of this product.';

/** Cuts at a whole character, so that no half of an emoji is sent; fills up what is too short. */
function cut(written: string, most: number): string {
  const prompt = written.trim().length < 3 ? `${written.trim()}${filler}`.trim() : written;
  if (prompt.length <= most) return prompt;
  const end = /[\uD800-\uDBFF]/.test(prompt.charAt(most - 1)) ? most - 1 : most;
  return prompt.slice(0, end).trimEnd();
}

const mappers: Readonly<Record<string, ModelMapper>> = {
  'bytedance/seedance-2-fast': {
    promptMax: 20_000,
    input: ({ prompt, imageUrl, aspectRatio, seconds, audio }): z.infer<typeof seedanceInput> =>
      seedanceInput.parse({
        prompt: cut(prompt, 20_000),
        first_frame_url: imageUrl,
        aspect_ratio: aspectRatio,
        resolution: '720p',
        duration: within(seconds, 4, 15),
        generate_audio: audio,
      }),
  },
  // These two take the ratio from the photo and choose the sound themselves.
  'kling/v3-turbo-image-to-video': {
    promptMax: 2500,
    input: ({ prompt, imageUrl, seconds }): z.infer<typeof klingInput> =>
      klingInput.parse({
        prompt: cut(prompt, 2500),
        image_urls: [imageUrl],
        duration: String(within(seconds, 3, 15)),
        resolution: '720p',
      }),
  },
  'wan/2-5-image-to-video': {
    promptMax: 800,
    input: ({ prompt, imageUrl, seconds }): z.infer<typeof wanInput> =>
      wanInput.parse({
        prompt: cut(prompt, 800),
        image_url: imageUrl,
        duration: seconds < 7.5 ? '5' : '10',
        resolution: '720p',
      }),
  },
};

export const kieModels: readonly string[] = Object.keys(mappers);
export const defaultKieModel = 'bytedance/seedance-2-fast';

/** The mapper of a model; `undefined` for one we never learnt to speak to. */
export function kieModel(name: string): ModelMapper | undefined {
  return Object.hasOwn(mappers, name) ? mappers[name] : undefined;
}
