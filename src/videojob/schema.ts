import { z } from 'zod';
import { API_VERSION, KIND } from './names.ts';
import { ORDER_ID_PATTERN } from './order-id.ts';

/*
 * The one description of a VideoJob. Types, parsing, the CRD and `kubectl explain` all come from here, so every field has
 * a bound and a description. Bounds are generous where time is compressed in tests and tight where a value could hurt.
 */

const DAY = 86_400;

const int = (min: number, max: number, description: string) => z.int().min(min).max(max).describe(description);
const time = (description: string) => z.iso.datetime({ offset: true }).max(40).describe(description);
const text = (max: number, pattern: RegExp, description: string) =>
  z.string().min(1).max(max).regex(pattern).describe(description);

export const TEMPLATES = ['ugc', 'ad', 'self'] as const;
export const ASPECT_RATIOS = ['9:16', '16:9', '1:1', '3:4', '4:3'] as const;
export const GENERATION_MODES = ['Auto', 'Pod', 'Managed'] as const;
export const CONDITION_TYPES = ['Generated', 'Delivered', 'CreditsSettled', 'Finished'] as const;
export const CONDITION_STATUSES = ['True', 'False', 'Unknown'] as const;

const orderSchema = z
  .object({
    id: z
      .string()
      .max(12)
      .regex(ORDER_ID_PATTERN)
      .describe('The order this VideoJob carries out: 12 lower-case base32 letters. The object is named vj-<id>.'),
    userId: int(1, Number.MAX_SAFE_INTEGER, "The ledger's own number of the person who ordered. Not a Telegram id."),
    credits: int(
      1,
      1_000_000,
      'Credits held for this order; captured when the video is shown, released when it is not.',
    ),
    specHash: text(
      67,
      /^v1:[0-9a-f]{64}$/,
      'SHA-256 over the fields that were sold, so that an altered copy is refused.',
    ),
    mac: text(
      64,
      /^[0-9a-f]{64}$/,
      "Proof that the bot wrote order and hash, for restores where the ledger's rows are lost.",
    ),
  })
  .describe('The order in the ledger. An object whose order is unknown or altered costs nothing and reaches nobody.');

const inputSchema = z
  .object({
    photo: text(256, /^[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'Storage key of the product photo. Never a URL.'),
    template: z
      .enum(TEMPLATES)
      .describe('How the prompt is made: ugc (as a customer would film it), ad (a commercial), self (the own words).'),
  })
  .describe('What the video is made of. What the person wrote stays in PostgreSQL.');

const generationSchema = z
  .object({
    provider: text(63, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'AI provider that makes the video, for example kie.'),
    model: text(128, /^[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'Model name in the words of the provider.'),
    seconds: int(1, 60, 'Length of the video in seconds.'),
    aspectRatio: z.enum(ASPECT_RATIOS).describe('Width to height of the video.'),
    audio: z.boolean().describe('Whether the video shall have sound.'),
    mode: z
      .enum(GENERATION_MODES)
      .describe(
        'Who waits for the provider: Pod (a pod of the Job), Managed (the controller), Auto (Managed where possible).',
      ),
    maxAttempts: int(1, 5, 'Paid provider tasks at most; another one begins only after a confirmed failure.'),
    timeoutSeconds: int(1, DAY, 'From the first accepted task; afterwards no further paid task begins.'),
  })
  .describe('The paid part.');

const deliverySchema = z
  .object({
    minExecutions: int(1, 10, 'Delivery Jobs that must have ended before the stage may be given up.'),
    timeoutSeconds: int(1, DAY, 'Time of one delivery Job.'),
    deadlineSeconds: int(1, DAY, 'Time of the whole delivery stage, from its first Job.'),
  })
  .describe('Showing the stored video in the chat. Delivery never generates again.');

const specFields = {
  order: orderSchema,
  input: inputSchema,
  generation: generationSchema,
  delivery: deliverySchema,
  activeDeadlineSeconds: int(1, DAY, 'From admission until the video is stored; then the credits come back.'),
  queueTimeoutSeconds: int(1, DAY, 'From the order until its admission; then the credits come back.'),
  cancel: z
    .boolean()
    .default(false)
    .describe('Set to true to cancel while nothing was paid; too late, it changes nothing. It cannot be taken back.'),
  suspend: z
    .boolean()
    .default(false)
    .describe(
      'Holds the VideoJob at the next border of a stage; a running paid stage finishes. Clocks stop, but for 24 h.',
    ),
  ttlSecondsAfterFinished: int(0, 30 * DAY, 'The finished object is deleted after this time. The books stay.').default(
    DAY,
  ),
};

export const videoJobSpecSchema = z
  .object(specFields)
  .describe('What was ordered. Only cancel, suspend and ttlSecondsAfterFinished can be changed.');

export const conditionSchema = z
  .object({
    type: z.enum(CONDITION_TYPES).describe('Generated, Delivered, CreditsSettled or Finished.'),
    status: z.enum(CONDITION_STATUSES).describe('True, False or Unknown.'),
    reason: text(64, /^[A-Za-z]([A-Za-z0-9]*)$/, 'Why, in one machine-readable word.'),
    message: z.string().max(1024).describe('The same for a human being.'),
    lastTransitionTime: time('When the status last changed.'),
    observedGeneration: int(0, Number.MAX_SAFE_INTEGER, 'Generation of the spec this was found for.'),
  })
  .describe('One observation of the state.');

const settlementSchema = z
  .object({
    outcome: z.enum(['captured', 'released']).describe('captured: paid for. released: the credits came back.'),
    at: time('When the ledger settled.'),
  })
  .describe('How the ledger settled the hold; absent while it is open.');

const videoSchema = z
  .object({
    bytes: int(0, Number.MAX_SAFE_INTEGER, 'Size of the file.'),
    seconds: z.number().min(0).max(DAY).describe('Measured length.'),
    width: int(0, 100_000, 'Pixels.'),
    height: int(0, 100_000, 'Pixels.'),
  })
  .describe('The stored video, as measured.');

const lastFailureSchema = z
  .object({
    reason: text(64, /^[A-Za-z]([A-Za-z0-9]*)$/, 'What failed, in one machine-readable word.'),
    message: z.string().max(1024).describe('The same for a human being. Never a prompt, a chat text or a secret.'),
    time: time('When it was seen.'),
  })
  .describe('The newest failure seen, also when the order went on afterwards.');

const counter = (description: string) => int(0, 1_000_000, description).optional();

export const videoJobStatusSchema = z
  .object({
    observedGeneration: int(0, Number.MAX_SAFE_INTEGER, 'Generation of the spec last acted on.').optional(),
    conditions: z
      .array(conditionSchema)
      .max(8)
      .optional()
      .describe(
        'Generated, Delivered, CreditsSettled and Finished. Finished never changes once True, and implies settled.',
      ),
    admittedAt: time('When generation was admitted; the generation clock starts here.').optional(),
    startTime: time('When the order was claimed.').optional(),
    completionTime: time('When the order ended.').optional(),
    durationSeconds: int(0, 100 * DAY, 'From claim to end.').optional(),
    attempts: counter('Paid provider tasks begun or prepared.'),
    executions: counter('Generation Jobs started.'),
    deliveryExecutions: counter('Delivery Jobs started.'),
    generationMode: z
      .enum(['Pod', 'Managed'])
      .optional()
      .describe('Who waits for the provider in the newest execution.'),
    activeJobName: z.string().max(253).optional().describe('Name of the child Job that runs now.'),
    providerTaskID: z.string().max(128).optional().describe("The provider's id of the newest task."),
    settlement: settlementSchema.optional(),
    video: videoSchema.optional(),
    lastFailure: lastFailureSchema.optional(),
  })
  .describe('What PostgreSQL knows of the order, mirrored. Never an input: altering it moves no credits.');

/** What this VideoJob is, and what deleting one does to money: the first lines of `kubectl explain videojob`. */
export const KIND_DESCRIPTION =
  'VideoJob makes one video out of one product photo and shows it to the person who ordered it. ' +
  'Deleting a VideoJob before its video is stored ends the order and gives the held credits back; a task that the provider ' +
  'already runs is abandoned and its cost is ours. Deleting it once the video is stored, but before it was shown, captures ' +
  'the credits, and the bot shows the video itself. Deleting a finished VideoJob moves no credits. The finalizer ' +
  'neurocards.io/settlement lets go as soon as the ledger has settled.';

const ownerReferenceSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
});

/** The metadata we read of an object that the API server holds. */
const storedMetadataSchema = z.object({
  name: z.string(),
  namespace: z.string(),
  uid: z.string().min(1),
  resourceVersion: z.string().min(1),
  generation: z.int(),
  creationTimestamp: z.string(),
  deletionTimestamp: z.string().optional(),
  finalizers: z.array(z.string()).default([]),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  ownerReferences: z.array(ownerReferenceSchema).default([]),
});

/** A VideoJob as the API server returns it. */
export const videoJobSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(KIND),
  metadata: storedMetadataSchema,
  spec: videoJobSpecSchema,
  status: videoJobStatusSchema.default({}),
});

/** A VideoJob as it is posted: no server fields, no status, and none of the fields the server defaults. */
export const videoJobManifestSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(KIND),
  metadata: z.object({
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    finalizers: z.array(z.string()),
  }),
  spec: videoJobSpecSchema.omit({ cancel: true, suspend: true, ttlSecondsAfterFinished: true }),
});

export type VideoJob = z.output<typeof videoJobSchema>;
export type VideoJobSpec = z.output<typeof videoJobSpecSchema>;
export type VideoJobStatus = z.output<typeof videoJobStatusSchema>;
export type VideoJobManifest = z.output<typeof videoJobManifestSchema>;
export type Condition = z.output<typeof conditionSchema>;
export type ConditionType = (typeof CONDITION_TYPES)[number];
export type ConditionStatus = (typeof CONDITION_STATUSES)[number];
