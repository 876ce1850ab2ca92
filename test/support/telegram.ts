import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startTelegram } from '../../dev/telegram/server.ts';

export const TOKEN = '4200:stand-in-token';

const answer = z.looseObject({
  ok: z.boolean(),
  error_code: z.number().optional(),
  description: z.string().optional(),
  result: z.unknown().optional(),
  parameters: z.object({ retry_after: z.number() }).optional(),
});

const file = z.looseObject({
  file_id: z.string(),
  file_size: z.number(),
  sha256: z.string(),
  width: z.number().optional(),
  height: z.number().optional(),
  duration: z.number().optional(),
});

export const seenMessage = z.looseObject({
  message_id: z.number(),
  from: z.enum(['user', 'bot']),
  date: z.number(),
  edit_date: z.number().optional(),
  text: z.string().optional(),
  caption: z.string().optional(),
  photo: file.optional(),
  video: file.optional(),
  document: file.optional(),
  deleted: z.boolean().optional(),
});

const chatView = z.object({
  chat: z.number(),
  user: z.object({ id: z.number(), first_name: z.string(), language_code: z.string() }),
  blocked: z.boolean(),
  messages: z.array(seenMessage),
});

const journal = z.array(
  z.looseObject({
    method: z.string(),
    chat: z.number().optional(),
    time: z.string(),
    finishedAt: z.string().optional(),
    outcome: z.string(),
    processed: z.boolean(),
    message_id: z.number().optional(),
    media: z.string().optional(),
    fault: z.string().optional(),
  }),
);

export type SeenMessage = z.infer<typeof seenMessage>;

/** A running stand-in with short ways to speak to both of its sides. */
export type Rig = Awaited<ReturnType<typeof startRig>>;

export async function startRig(stateDirectory?: string) {
  const directory = stateDirectory ?? (await mkdtemp(join(tmpdir(), 'neurocards-telegram-')));
  const telegram = await startTelegram({ stateDirectory: directory, botToken: TOKEN });
  const { url } = telegram;

  /** Calls the Bot API with a JSON body. */
  async function call(method: string, body: object = {}, token = TOKEN) {
    const response = await fetch(`${url}/bot${token}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, ...answer.parse(await response.json()) };
  }

  /** The result of a call that must succeed, parsed. */
  async function done<T>(method: string, body: object, schema: z.ZodType<T>): Promise<T> {
    const given = await call(method, body);
    if (!given.ok) throw new Error(`${method} was refused: ${given.description ?? ''}`);
    return schema.parse(given.result);
  }

  /** Uses the control interface; the answer's status and parsed JSON. */
  async function dev(method: string, path: string, body?: object) {
    const isForm = body instanceof FormData;
    const response = await fetch(`${url}/dev/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : isForm
          ? { body }
          : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const json: unknown = await response.json();
    return { status: response.status, json };
  }

  return {
    url,
    directory,
    call,
    done,
    dev,
    async say(chat: number, text: string): Promise<SeenMessage> {
      return seenMessage.parse((await dev('POST', `chats/${chat}/messages`, { text })).json);
    },
    async upload(
      chat: number,
      kind: 'photo' | 'document',
      bytes: Uint8Array,
      name: string,
      fields: Record<string, string> = {},
    ) {
      const form = new FormData();
      for (const [key, value] of Object.entries(fields)) form.set(key, value);
      form.set(kind, new Blob([new Uint8Array(bytes)]), name);
      return dev('POST', `chats/${chat}/messages`, form);
    },
    async chat(id: number) {
      return chatView.parse((await dev('GET', `chats/${id}`)).json);
    },
    async journal(query = '') {
      return journal.parse((await dev('GET', `journal${query}`)).json);
    },
    close: () => telegram.close(),
    /** Stops it and removes what it kept. */
    async erase(): Promise<void> {
      await telegram.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export function samplePhoto(name: string): Promise<Buffer> {
  return readFile(new URL(`../../dev/photos/${name}`, import.meta.url));
}
