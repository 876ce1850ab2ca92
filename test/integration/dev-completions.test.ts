import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Completions } from '../../dev/completions/server.ts';
import { startCompletions } from '../../dev/completions/server.ts';

const apiKey = 'test-key-of-the-completions-test';
const completion = z.object({
  choices: z.array(
    z.object({ finish_reason: z.string(), message: z.object({ content: z.string(), refusal: z.null() }) }),
  ),
});
const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['videoPrompt', 'voiceOver', 'unsafe', 'durationSec', 'note'],
  properties: {
    videoPrompt: { type: 'string', maxLength: 2000 },
    voiceOver: { type: 'array', items: { type: 'string' } },
    unsafe: { type: 'boolean' },
    durationSec: { type: 'integer', minimum: 4 },
    note: { type: ['string', 'null'] },
  },
};

let directory: string;
let service: Completions;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neurocards-completions-'));
  service = await startCompletions({ stateDirectory: directory, apiKey });
});

afterEach(async () => {
  await service.close();
  await rm(directory, { recursive: true, force: true });
});

function ask(body: unknown, key = apiKey): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return fetch(`${service.url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function question(text: string) {
  const image = `data:image/jpeg;base64,${(await readFile('dev/photos/coffee-cup.jpg')).toString('base64')}`;
  const parts = [
    { type: 'text', text },
    { type: 'image_url', image_url: { url: image, detail: 'low' } },
  ];
  return {
    model: 'gpt-test',
    messages: [
      { role: 'system', content: 'You write prompts.' },
      { role: 'user', content: parts },
    ],
    response_format: { type: 'json_schema', json_schema: { name: 'video_prompt', strict: true, schema } },
  };
}

async function answerOf(response: Response): Promise<string> {
  expect(response.status).toBe(200);
  return completion.parse(await response.json()).choices[0]?.message.content ?? '';
}

describe('the chat completions stand-in', () => {
  it('answers in the schema asked for, the same every time, and carries tags over', async () => {
    const body = await question('a red cup [[emu:stuck]] [[emu:fail:422:no]]');
    const first = await answerOf(await ask(body));
    expect(await answerOf(await ask(body))).toBe(first);
    const answer = z
      .strictObject({
        videoPrompt: z.string().min(50),
        voiceOver: z.array(z.string()),
        unsafe: z.literal(false),
        durationSec: z.literal(4),
        note: z.null(),
      })
      .parse(JSON.parse(first));
    expect(answer.videoPrompt).toContain('[[emu:stuck]] [[emu:fail:422:no]]');
    expect(answer.videoPrompt).not.toContain('red cup');
  });

  it('refuses a wrong key and a malformed question as the real service does', async () => {
    const wrong = await ask(await question('a cup'), 'wrong');
    expect(wrong.status).toBe(401);
    expect(await wrong.text()).toContain('invalid_api_key');
    expect((await ask({ model: 'gpt-test' })).status).toBe(400);
  });

  it('cuts an answer that is longer than it may be, and says so', async () => {
    const response = await ask({ ...(await question('a cup')), max_completion_tokens: 5 });
    expect(completion.parse(await response.json()).choices[0]?.finish_reason).toBe('length');
  });

  it('shows its requests without images and its journal without words', async () => {
    await ask(await question('a green bottle'));
    const requests = await (await fetch(`${service.url}/dev/requests`)).text();
    expect(JSON.parse(requests)).toMatchObject([{ model: 'gpt-test', images: 1, responseFormat: 'json_schema' }]);
    expect(requests).toContain('a green bottle');
    expect(requests).not.toContain('base64');
    const journal = await (await fetch(`${service.url}/dev/journal`)).text();
    expect(JSON.parse(journal)).toMatchObject([{ method: 'completions', outcome: 'ok' }]);
    expect(journal).not.toContain('green');
  });

  it('fails on order, as often as ordered', async () => {
    const order = { method: 'completions', fault: '429', times: 2, retry_after: 3 };
    await fetch(`${service.url}/dev/faults`, { method: 'POST', body: JSON.stringify(order) });
    const body = await question('a cup');
    const refused = await ask(body);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '3']);
    expect((await ask(body)).status).toBe(429);
    expect((await ask(body)).status).toBe(200);
  });
});
