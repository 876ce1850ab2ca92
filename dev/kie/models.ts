import { z } from 'zod';

/** A refusal in KIE's own way: a code inside an HTTP 200. */
export type Refusal = { readonly code: number; readonly msg: string };

export type PlannedTask = {
  readonly prompt: string;
  readonly imageUrl: string | undefined;
  readonly seconds: number;
  readonly aspectRatio: string;
  readonly cost: number;
};

const required = 'This field is required';
const notAllowed = 'is not within the range of allowed options';

type Field = {
  readonly name: string;
  readonly required: boolean;
  /** A refusal's text when the value is not one this model takes; types are strict, "5" is not 5. */
  readonly wrong: (value: unknown) => string | undefined;
};

type Model = {
  readonly promptMax: number;
  readonly imageField: 'first_frame_url' | 'image_url' | 'image_urls';
  readonly creditsPerSecond: number;
  readonly fields: readonly Field[];
};

function oneOf(name: string, values: readonly unknown[], isRequired = false): Field {
  return {
    name,
    required: isRequired,
    wrong: (value) => (values.includes(value) ? undefined : `${name} ${notAllowed}`),
  };
}

function integer(name: string, min: number, max: number, isRequired = false): Field {
  const schema = z.int().min(min).max(max);
  return {
    name,
    required: isRequired,
    wrong: (value) => (schema.safeParse(value).success ? undefined : `${name} ${notAllowed}`),
  };
}

function flag(name: string): Field {
  return oneOf(name, [true, false]);
}

function seedance(creditsPerSecond: number, resolutions: readonly string[]): Model {
  return {
    promptMax: 20_000,
    imageField: 'first_frame_url',
    creditsPerSecond,
    fields: [
      integer('duration', 4, 15),
      oneOf('aspect_ratio', ['1:1', '4:3', '3:4', '16:9', '9:16', '21:9', 'adaptive']),
      oneOf('resolution', resolutions),
      flag('generate_audio'),
      flag('web_search'),
      flag('nsfw_checker'),
      flag('return_last_frame'),
    ],
  };
}

const kling3Seconds = Array.from({ length: 13 }, (_, index) => String(index + 3));

const models: Readonly<Record<string, Model>> = {
  'bytedance/seedance-2': seedance(20, ['480p', '720p', '1080p', '4k']),
  'bytedance/seedance-2-fast': seedance(12, ['480p', '720p']),
  'bytedance/seedance-2-mini': seedance(8.2, ['480p', '720p']),
  'kling/v3-turbo-image-to-video': {
    promptMax: 2500,
    imageField: 'image_urls',
    creditsPerSecond: 18,
    fields: [oneOf('duration', kling3Seconds, true), oneOf('resolution', ['720p', '1080p'], true)],
  },
  'wan/2-5-image-to-video': {
    promptMax: 800,
    imageField: 'image_url',
    creditsPerSecond: 12,
    fields: [oneOf('duration', ['5', '10'], true), oneOf('resolution', ['720p', '1080p'])],
  },
};

/** Checks a createTask body the way KIE does, before anything is billed. */
export function planTask(model: string, input: Readonly<Record<string, unknown>>): PlannedTask | Refusal {
  if (model.startsWith('sora-2')) return { code: 500, msg: 'This interface is temporarily paused' };
  const spec = models[model];
  if (spec === undefined) {
    return {
      code: 422,
      msg: 'The model name you specified is not supported. Please check the model name and try again.',
    };
  }
  const prompt = input['prompt'];
  if (typeof prompt !== 'string' || prompt.trim() === '') return { code: 500, msg: required };
  // A bare 422 is all that KIE says about a prompt over the model's cap.
  if (prompt.length > spec.promptMax) return { code: 422, msg: 'Validation failed' };
  const imageUrl = imageOf(input[spec.imageField]);
  if (imageUrl === undefined) {
    // Seedance also makes videos from words alone.
    if (spec.imageField !== 'first_frame_url') return { code: 500, msg: `${spec.imageField} is required` };
    if (input['first_frame_url'] !== undefined) return { code: 500, msg: `first_frame_url ${notAllowed}` };
  }
  for (const field of spec.fields) {
    const value = input[field.name];
    if (value === undefined) {
      if (field.required) return { code: 500, msg: required };
      continue;
    }
    const wrong = field.wrong(value);
    if (wrong !== undefined) return { code: 500, msg: wrong };
  }
  const seconds = Number(input['duration'] ?? 5);
  const aspectRatio = typeof input['aspect_ratio'] === 'string' ? input['aspect_ratio'] : 'adaptive';
  return { prompt, imageUrl, seconds, aspectRatio, cost: Math.round(spec.creditsPerSecond * seconds * 10) / 10 };
}

function imageOf(value: unknown): string | undefined {
  const url: unknown = Array.isArray(value) ? value[0] : value;
  return typeof url === 'string' && /^https?:\/\//.test(url) ? url : undefined;
}
