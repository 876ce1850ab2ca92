import { readFileSync } from 'node:fs';
import { z } from 'zod';

const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.looseObject({ name: z.string() })).default([]),
});

const template = z.looseObject({
  metadata: z
    .looseObject({
      labels: z.record(z.string(), z.string()).default({}),
      annotations: z.record(z.string(), z.string()).default({}),
    })
    .default({ labels: {}, annotations: {} }),
  spec: z.looseObject({ containers: z.array(container).length(1) }),
});

const templates = z.object({ generate: template, deliver: template });

/** A pod of the chart (image, resources, scheduling, volumes, Secrets by reference); the controller adds whose work it does. */
export type PodTemplate = z.infer<typeof template>;
export type PodTemplates = z.infer<typeof templates>;

/** The mounted file of pod templates is missing or is not what the chart writes. */
export class PodTemplateError extends Error {
  readonly reason = 'PodTemplateInvalid';
  constructor(path: string, what: string, cause: unknown) {
    super(
      `the runner pod templates in ${path} ${what}; correct NEUROCARDS_POD_TEMPLATES or the chart's runner values`,
      { cause },
    );
    this.name = 'PodTemplateError';
  }
}

/**
 * Reads `{ "generate": PodTemplateSpec, "deliver": PodTemplateSpec }` as JSON.
 * @throws PodTemplateError
 */
export function readPodTemplates(path: string): PodTemplates {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new PodTemplateError(path, 'cannot be read', error);
  }
  const parsed = templates.safeParse(raw);
  if (!parsed.success)
    throw new PodTemplateError(path, 'do not describe one container each for generate and deliver', parsed.error);
  return parsed.data;
}
