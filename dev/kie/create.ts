import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { FetchedImage } from './image.ts';
import { fetchImage } from './image.ts';
import type { PlannedTask, Refusal } from './models.ts';
import { planTask } from './models.ts';
import { showsThePerson } from './person.ts';
import type { Behaviour } from './store.ts';
import type { Tags } from './tags.ts';
import { tagsOf } from './tags.ts';
import type { Task } from './task.ts';

const requestSchema = z.object({
  model: z.string().min(1),
  callBackUrl: z.url().optional(),
  input: z.record(z.string(), z.unknown()),
});

export type CreateParts = {
  readonly behaviour: Behaviour;
  readonly base: string;
  readonly ownFile: (url: URL) => Promise<Uint8Array | undefined> | undefined;
  /** How often a prompt with a `refuse-` tag was refused so far. */
  readonly refusals: Map<string, number>;
  /** Prompts of which a task was made, for the `fail-once` tag. */
  readonly failures: Set<string>;
};

export type Created = { readonly task: Task; readonly image: FetchedImage | undefined; readonly tags: Tags };

/** Judges a createTask body as KIE does: model, fields, credits, then the photo, which it fetches itself. */
export async function createTask(body: unknown, parts: CreateParts): Promise<Created | Refusal> {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) return { code: 500, msg: 'This field is required' };
  const { model, input, callBackUrl } = parsed.data;
  const plan = planTask(model, input);
  if ('code' in plan) return plan;
  const tags = tagsOf(plan.prompt);
  const refused = taggedRefusal(tags, plan.prompt, parts.refusals);
  if (refused !== undefined) return refused;
  if (parts.behaviour.balance < plan.cost) {
    return { code: 402, msg: 'The current credits are insufficient. Please top up.' };
  }
  const image = plan.imageUrl === undefined ? undefined : await fetchImage(plan.imageUrl, parts.ownFile);
  if (image !== undefined && 'code' in image) return image;
  const person = image !== undefined && (await showsThePerson(image.bytes));
  const end = endOf(parts, plan.prompt, tags, person, model);
  const task = newTask({ model, plan, end, image, callBackUrl, base: parts.base, param: JSON.stringify(parsed.data) });
  return { task, image, tags };
}

type End = { readonly seconds: number | null; readonly failCode: string; readonly failMsg: string };

function endOf({ behaviour, failures }: CreateParts, prompt: string, tags: Tags, person: boolean, model: string): End {
  const good: End = { seconds: behaviour.seconds, failCode: '', failMsg: '' };
  if (tags.has('cb-before-reply')) return { ...good, seconds: 0 };
  if (tags.has('stuck')) return { ...good, seconds: null };
  const told = tags.value('fail') ?? (failures.has(prompt) ? undefined : tags.value('fail-once'));
  failures.add(prompt);
  if (told !== undefined) return { ...good, ...failureOf(told) };
  if (person) return { ...personRefusal(model), seconds: behaviour.seconds * 0.3 };
  const late = tags.number('slow-late-success', 60);
  if (late !== undefined) return { ...good, seconds: late };
  if (behaviour.outcome === 'stuck') return { ...good, seconds: null };
  if (behaviour.outcome === 'fail') return { ...good, failCode: behaviour.failCode, failMsg: behaviour.failMsg };
  return good;
}

/** `CODE:TEXT`, with 500 where no code is given. */
function failureOf(told: string): Pick<End, 'failCode' | 'failMsg'> {
  const [, code = '', text = ''] = /^([^:]*):?(.*)$/s.exec(told) ?? [];
  return { failCode: code === '' ? '500' : code, failMsg: text };
}

/** The words customers of KIE saw for a photo with a person in it. */
function personRefusal(model: string): { failCode: string; failMsg: string } {
  if (!model.startsWith('bytedance/')) {
    return {
      failCode: '400',
      failMsg: 'We currently do not support uploads of images containing photorealistic people.',
    };
  }
  const requestId = randomBytes(16).toString('hex');
  return {
    failCode: '422',
    failMsg: `The request failed because the input image may contain real person. Request id: ${requestId}`,
  };
}

const taggedRefusals: Readonly<Record<string, Refusal & { always: boolean }>> = {
  'refuse-429': { code: 429, msg: 'Your call frequency is too high. Please try again later.', always: false },
  'refuse-455': { code: 455, msg: 'The service is under maintenance. Please try again later.', always: false },
  'refuse-401': { code: 401, msg: 'You do not have access permissions', always: true },
  'refuse-402': { code: 402, msg: 'The current credits are insufficient. Please top up.', always: true },
  'refuse-422-model': { code: 422, msg: 'The model name you specified is not supported.', always: true },
  'refuse-paused': { code: 500, msg: 'This interface is temporarily paused', always: true },
};

function taggedRefusal(tags: Tags, prompt: string, refusals: Map<string, number>): Refusal | undefined {
  const tag = tags.startingWith('refuse-');
  const refusal = tag === undefined ? undefined : taggedRefusals[tag.name];
  if (tag === undefined || refusal === undefined) return undefined;
  const before = refusals.get(prompt) ?? 0;
  const most = refusal.always ? Number.POSITIVE_INFINITY : (tags.number(tag.name, 1) ?? 1);
  if (before >= most) return undefined;
  refusals.set(prompt, before + 1);
  return { code: refusal.code, msg: refusal.msg };
}

function newTask(parts: {
  model: string;
  plan: PlannedTask;
  end: End;
  image: FetchedImage | undefined;
  callBackUrl: string | undefined;
  base: string;
  param: string;
}): Task {
  const now = Date.now();
  return {
    taskId: randomBytes(16).toString('hex'),
    model: parts.model,
    createdAt: now,
    endsAt: parts.end.seconds === null ? null : now + parts.end.seconds * 1000,
    failCode: parts.end.failCode,
    failMsg: parts.end.failMsg,
    prompt: parts.plan.prompt,
    param: parts.param,
    ...(parts.callBackUrl === undefined ? {} : { callBackUrl: parts.callBackUrl }),
    callbackSettled: false,
    base: parts.base,
    ...(parts.image === undefined ? {} : { imageSha256: parts.image.sha256 }),
    aspectRatio: parts.plan.aspectRatio,
    cost: parts.plan.cost,
    charged: 0,
  };
}
