import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Completions } from '../../dev/completions/server.ts';
import { startCompletions } from '../../dev/completions/server.ts';
import { createPrompter } from '../../src/prompter/completions.ts';
import type { PromptRequest } from '../../src/prompter/prompter.ts';

const apiKey = 'test-key-of-the-prompter-test';
let directory: string;
let service: Completions;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neurocards-prompter-'));
  service = await startCompletions({ stateDirectory: directory, apiKey });
});

afterEach(async () => {
  await service.close();
  await rm(directory, { recursive: true, force: true });
});

async function write(productText: string) {
  const photo = { bytes: await readFile('dev/photos/coffee-cup.jpg'), mime: 'image/jpeg' };
  const request: PromptRequest = { template: 'ugc', productText, wishes: '', photo, seconds: 8 };
  const prompter = createPrompter({ baseUrl: service.url, apiKey, model: 'gpt-test', timeoutMs: 5000 });
  return prompter.write(request, new AbortController().signal);
}

describe('the prompter and the chat completions stand-in', () => {
  it('agree on the schema, and tags reach the prompt', async () => {
    const written = await write('чашка [[emu:stuck]]');
    expect(written.source).toBe('completions');
    expect(written.prompt).toContain('[[emu:stuck]]');
  });

  it('part on a fault, and the tags reach the fixed prompt too', async () => {
    const order = { method: 'completions', fault: '502-html' };
    await fetch(`${service.url}/dev/faults`, { method: 'POST', body: JSON.stringify(order) });
    const written = await write('чашка [[emu:stuck]]');
    expect(written).toMatchObject({ source: 'fallback', reason: 'unavailable' });
    expect(written.prompt).toContain('[[emu:stuck]]');
  });
});
