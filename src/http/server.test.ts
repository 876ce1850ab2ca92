import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ListenError } from './error.ts';
import { healthRoutes } from './health.ts';
import type { Handler } from './route.ts';
import { createHttpServer } from './server.ts';

const address = { host: '127.0.0.1', port: 0 };

async function serve(
  routes: Record<string, Handler>,
  options: { maxBodyBytes?: number; headerTimeoutMs?: number } = {},
) {
  const server = await createHttpServer({ address, routes, ...options });
  onTestFinished(() => server.close(100));
  return server;
}

test('health tells which check failed and why; liveness does not hang on readiness', async () => {
  const { url } = await serve(
    healthRoutes({
      live: { loop: () => undefined },
      ready: {
        postgres: () => Promise.reject(new Error('no connection')),
        cache: () => undefined,
        slow: () => new Promise(() => undefined),
      },
      checkTimeoutMs: 50,
    }),
  );
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([
    503,
    '[-] postgres failed: no connection\n[+] cache ok\n[-] slow failed: no answer within 50 ms\nnot ok\n',
  ]);
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});

test('a route gets its parameters, its query and its whole body', async () => {
  const { url } = await serve({
    'POST /callback/:order/:token': ({ params, query, body }) => ({
      status: 202,
      body: JSON.stringify({ ...params, q: query.get('q'), body: body.toString() }),
    }),
  });
  const answer = await fetch(`${url}/callback/abc/t%2Fk?q=1`, { method: 'POST', body: 'ж' });
  expect([answer.status, await answer.json()]).toEqual([202, { order: 'abc', token: 't/k', q: '1', body: 'ж' }]);
});

test('unknown paths, methods and broken escapes are refused quietly', async () => {
  const { url } = await serve({ 'POST /hook/:id': () => ({ status: 200 }) });
  const status = async (method: string, path: string) => (await fetch(`${url}${path}`, { method })).status;
  expect(await status('GET', '/nothing')).toBe(404);
  expect(await status('GET', '/hook/a')).toBe(405);
  expect(await status('POST', '/hook/')).toBe(404);
  expect(await status('POST', '/hook/%E0%A4%A')).toBe(404);
});

test('a body over the limit is refused, told or untold, and the server goes on', async () => {
  const { url } = await serve(
    { 'POST /hook': ({ body }) => ({ status: 200, body: String(body.length) }) },
    { maxBodyBytes: 10 },
  );
  const post = (body: string | ReadableStream<Uint8Array>) =>
    fetch(`${url}/hook`, { method: 'POST', body, duplex: 'half' });
  expect((await post('x'.repeat(11))).status).toBe(413);
  const chunks = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let n = 0; n < 4; n += 1) controller.enqueue(new Uint8Array(4));
      controller.close();
    },
  });
  expect((await post(chunks)).status).toBe(413);
  expect(await (await post('x'.repeat(10))).text()).toBe('10');
});

test('a handler that throws is answered with 500, without its words', async () => {
  const { url } = await serve({
    'GET /broken': () => {
      throw new Error('the password is hunter2');
    },
  });
  const answer = await fetch(`${url}/broken`);
  expect([answer.status, await answer.text()]).toEqual([500, 'Internal error.\n']);
});

test('a client that never finishes its headers is cut', async () => {
  const { port } = await serve({ 'GET /': () => ({ status: 200 }) }, { headerTimeoutMs: 200 });
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost:');
  const said = await new Promise<string>((resolve) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
  });
  expect(said).toContain('408');
});

test('a taken port is one sentence with its remedy', async () => {
  const { port } = await serve({});
  const second = createHttpServer({ address: { host: '127.0.0.1', port }, routes: {} });
  await expect(second).rejects.toThrow(ListenError);
  await expect(second).rejects.toThrow(
    `Cannot listen on 127.0.0.1:${port}, because another process already does: stop it or choose another port.`,
  );
});

test('closing waits for a running request, and not for ever', async () => {
  const entered = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const finish = Promise.withResolvers<void>();
  const server = await createHttpServer({
    address,
    routes: {
      'GET /slow': async () => {
        entered[0].resolve();
        await finish.promise;
        return { status: 200 };
      },
      'GET /never': () => {
        entered[1].resolve();
        return new Promise(() => undefined);
      },
    },
  });
  const slow = fetch(`${server.url}/slow`);
  const never = fetch(`${server.url}/never`).catch(() => 'cut');
  await Promise.all(entered.map(({ promise }) => promise));
  const closed = server.close(300);
  finish.resolve();
  expect((await slow).status).toBe(200);
  await closed;
  expect(await never).toBe('cut');
});
