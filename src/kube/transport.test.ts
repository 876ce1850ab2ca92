import { expect, onTestFinished, test } from 'vitest';
import {
  answerJson,
  plainConfig,
  type Script,
  startScriptedApiServer,
} from '../../test/support/scripted-api-server.ts';
import { isNamespaceTerminating, KubeError } from './error.ts';
import { CONFIGMAPS } from './resources.ts';

const target = { namespace: 'jobs', name: 'a' };
const found = { metadata: { name: 'a', namespace: 'jobs', uid: 'u', resourceVersion: '1' } };

async function serve(script: Script, load?: Parameters<typeof startScriptedApiServer>[1]) {
  const server = await startScriptedApiServer(script, load);
  onTestFinished(() => server.close());
  return server;
}

const failure = async (call: Promise<unknown>): Promise<KubeError> => {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof KubeError) return error;
  throw new Error('No KubeError was thrown.', { cause: error });
};

test('a hundred calls in a row share their connections', async () => {
  const server = await serve((_, response) => answerJson(response, 200, found));
  for (let n = 0; n < 100; n += 1) await server.client.get(CONFIGMAPS, target);
  // Two, when a call begins in the moment before the answer of the last has let go of its connection.
  expect(server.connections).toBeLessThanOrEqual(2);
});

test('an answer of 401 makes the credentials be read again, once', async () => {
  let token = 0;
  const server = await serve(
    (request, response) => {
      const known = request.headers.authorization === 'Bearer token-2';
      answerJson(response, known ? 200 : 401, known ? found : { kind: 'Status', code: 401 });
    },
    (url) => {
      token += 1;
      return plainConfig(url, `token-${token}`);
    },
  );
  await server.client.get(CONFIGMAPS, target);
  expect(server.requests).toHaveLength(2);
  token = 5;
  const stillWrong = await serve((_, response) => answerJson(response, 401, { kind: 'Status', code: 401 }));
  expect(await failure(stillWrong.client.get(CONFIGMAPS, target))).toMatchObject({
    status: 401,
    reason: 'Unauthorized',
  });
  expect(stillWrong.requests).toHaveLength(2);
});

test('a call without an answer ends at its time limit, and is not repeated', async () => {
  const server = await serve(() => undefined);
  const error = await failure(server.client.create(CONFIGMAPS, 'jobs', found, { timeoutMs: 50 }));
  expect(error).toMatchObject({ status: 0, reason: 'Timeout' });
  expect(error.message).toContain('no answer within 50 ms');
  expect(server.requests).toEqual(['POST /api/v1/namespaces/jobs/configmaps']);
});

test("an abort by the caller is the caller's reason, not a failure of the API server", async () => {
  const server = await serve(() => undefined);
  const stop = new AbortController();
  const call = server.client.get(CONFIGMAPS, target, { signal: stop.signal });
  stop.abort(new Error('shutting down'));
  await expect(call).rejects.toThrow('shutting down');
});

test('a connection cut in the middle is a network error that leaves the outcome open', async () => {
  const server = await serve((request) => request.socket.destroy());
  expect(await failure(server.client.create(CONFIGMAPS, 'jobs', found))).toMatchObject({
    status: 0,
    reason: 'Network',
  });
});

test('a throttled call says how long to wait, told by header or by body', async () => {
  const server = await serve((_, response, count) =>
    count === 0
      ? answerJson(response, 429, 'slow down', { 'retry-after': '7' })
      : answerJson(response, 429, { kind: 'Status', code: 429, details: { retryAfterSeconds: 3 } }),
  );
  expect(await failure(server.client.get(CONFIGMAPS, target))).toMatchObject({ status: 429, retryAfter: 7_000 });
  expect(await failure(server.client.get(CONFIGMAPS, target))).toMatchObject({ status: 429, retryAfter: 3_000 });
});

test('a namespace that is being deleted is told from a forbidden one', async () => {
  const causes = [{ reason: 'NamespaceTerminating', message: 'it goes' }];
  const server = await serve((_, response, count) =>
    answerJson(response, 403, {
      kind: 'Status',
      code: 403,
      reason: 'Forbidden',
      details: count === 0 ? { causes } : {},
    }),
  );
  expect(isNamespaceTerminating(await failure(server.client.create(CONFIGMAPS, 'jobs', found)))).toBe(true);
  expect(isNamespaceTerminating(await failure(server.client.create(CONFIGMAPS, 'jobs', found)))).toBe(false);
});

test('the exact bytes that were stored are the bytes that are posted', async () => {
  const bodies: string[] = [];
  const server = await serve((request, response) => {
    request.setEncoding('utf8').on('data', (chunk: string) => bodies.push(chunk));
    request.on('end', () => answerJson(response, 201, found));
  });
  const bytes = '{"metadata": {"name":"a"},  "data":{"k":"ж"}}';
  await server.client.create(CONFIGMAPS, 'jobs', bytes, { fieldValidation: 'Strict' });
  expect(bodies.join('')).toBe(bytes);
  expect(server.requests).toEqual(['POST /api/v1/namespaces/jobs/configmaps?fieldValidation=Strict']);
});
