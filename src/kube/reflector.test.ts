import type { ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { answerJson, type Script, startScriptedApiServer } from '../../test/support/scripted-api-server.ts';
import { waitFor } from '../../test/support/wait.ts';
import { createLogger } from '../log/logger.ts';
import { createReflector, type Reflector } from './reflector.ts';
import { CONFIGMAPS, type ConfigMap } from './resources.ts';

const log = createLogger({ service: 'test', level: 'silent' });

const object = (name: string, resourceVersion: string, uid = name) => ({
  metadata: { name, namespace: 'jobs', uid, resourceVersion, managedFields: [{}] },
});
const list = (resourceVersion: string, items: object[], token?: string) => ({
  kind: 'ConfigMapList',
  metadata: { resourceVersion, continue: token },
  items,
});
const tell = (response: ServerResponse, type: string, event: object) =>
  response.write(`${JSON.stringify({ type, object: event })}\n`);
const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };

/** A reflector on a scripted API server: what it asked, what it told. */
async function reflect(
  script: (request: { url: string; watch: boolean }, response: ServerResponse, n: number) => void,
) {
  const counts = { list: 0, watch: 0 };
  const answer: Script = (request, response) => {
    const url = request.url ?? '';
    const kind = url.includes('watch=true') ? 'watch' : 'list';
    counts[kind] += 1;
    script({ url, watch: kind === 'watch' }, response, counts[kind]);
  };
  const server = await startScriptedApiServer(answer);
  const changes: string[] = [];
  const reflector: Reflector<ConfigMap> = createReflector({
    client: server.client,
    resource: CONFIGMAPS,
    namespace: 'jobs',
    log,
    onChange: ({ metadata }, change) => changes.push(`${change} ${metadata.name} ${metadata.uid}`),
    backoff: { initialMs: 5, maxMs: 20 },
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
    await server.close();
  });
  return { server, reflector, changes, counts };
}

const watchVersions = (requests: string[]) =>
  requests.filter((one) => one.includes('watch=')).map((one) => /resourceVersion=(\d+)/.exec(one)?.[1]);

test('all pages are listed before it counts as synced, and the watch goes on from the list', async () => {
  const { server, reflector, changes } = await reflect(({ url, watch }, response) => {
    if (watch) response.flushHeaders();
    else if (url.includes('continue=more')) answerJson(response, 200, list('9', [object('b', '3')]));
    else answerJson(response, 200, list('9', [object('a', '2')], 'more'));
  });
  expect(reflector.isSynced).toBe(false);
  await reflector.synced;
  await waitFor(() => server.requests.length === 3, { what: 'the watch' });
  expect(changes).toEqual(['added a a', 'added b b']);
  expect(reflector.store.get('jobs/a')?.metadata).not.toHaveProperty('managedFields');
  expect(server.requests[0]).toContain('limit=500');
  expect(server.requests[2]).toMatch(/resourceVersion=9&.*timeoutSeconds=\d{3}/);
  expect(server.requests[2]).toContain('allowWatchBookmarks=true');
});

test('a cut watch is resumed from the last version seen, a bookmark included, without a new list', async () => {
  const { server, changes, counts } = await reflect(({ watch }, response, n) => {
    if (!watch) answerJson(response, 200, list('10', [object('a', '2')]));
    else if (n === 1) {
      tell(response, 'MODIFIED', object('a', '11'));
      tell(response, 'BOOKMARK', { metadata: { resourceVersion: '15' } });
      setImmediate(() => response.destroy());
    } else if (n === 2) {
      tell(response, 'ADDED', object('b', '16'));
      response.end();
    } else tell(response, 'DELETED', object('a', '17'));
  });
  await waitFor(() => changes.includes('deleted a a'), { what: 'the third watch' });
  expect(changes).toEqual(['added a a', 'updated a a', 'added b b', 'deleted a a']);
  expect(watchVersions(server.requests)).toEqual(['10', '15', '16']);
  expect(counts.list).toBe(1);
});

test.each([
  ['an answer', (response: ServerResponse) => answerJson(response, 410, expired)],
  ['an event', (response: ServerResponse) => void tell(response, 'ERROR', expired)],
])('an expired version, told by %s, is listed again, and an object made anew is deleted and added', async (_, say) => {
  const { changes, counts } = await reflect(({ watch }, response, n) => {
    if (watch && n === 1) say(response);
    else if (watch) response.flushHeaders();
    else if (n === 1) answerJson(response, 200, list('10', [object('a', '2', 'u1'), object('gone', '3')]));
    else answerJson(response, 200, list('20', [object('a', '19', 'u2')]));
  });
  await waitFor(() => changes.length === 5, { what: 'five changes' });
  expect(changes).toEqual(['added a u1', 'added gone gone', 'deleted gone gone', 'deleted a u1', 'added a u2']);
  expect(counts.list).toBe(2);
});

test('another ERROR event is a pause, not a new list', async () => {
  const { server, changes, counts } = await reflect(({ watch }, response, n) => {
    if (!watch) answerJson(response, 200, list('10', []));
    else if (n === 1) tell(response, 'ERROR', { kind: 'Status', code: 500, message: 'etcd' });
    else tell(response, 'ADDED', object('a', '11'));
  });
  await waitFor(() => changes.length === 1, { what: 'the event after the error' });
  expect(watchVersions(server.requests)).toEqual(['10', '10']);
  expect(counts.list).toBe(1);
});

test('a line that is no event is listed again, because an event may be lost', async () => {
  const { changes, counts } = await reflect(({ watch }, response, n) => {
    if (watch && n === 1) response.write('<html>\n');
    else if (watch) response.flushHeaders();
    else answerJson(response, 200, list(String(n), n === 1 ? [] : [object('a', '2')]));
  });
  await waitFor(() => changes.length === 1, { what: 'the second list' });
  expect(counts.list).toBe(2);
});

test('lists and watches that fail in every way are tried again until they succeed', async () => {
  const { reflector, counts } = await reflect(({ watch }, response, n) => {
    if (watch) response.flushHeaders();
    else if (n === 1) response.destroy();
    else if (n === 2) answerJson(response, 403, { kind: 'Status', code: 403 });
    else if (n === 3) answerJson(response, 503, 'starting');
    else if (n === 4) response.end('{"kind":"ConfigMapList","metadata":{"resou');
    else answerJson(response, 200, list('10', [object('a', '2')]));
  });
  await reflector.synced;
  expect([counts.list, reflector.store.size]).toEqual([5, 1]);
});

test('a throttled client waits as long as it is told', async () => {
  const start = performance.now();
  const { reflector } = await reflect(({ watch }, response, n) => {
    if (watch) response.flushHeaders();
    else if (n === 1) answerJson(response, 429, { kind: 'Status', code: 429 }, { 'retry-after': '0.3' });
    else answerJson(response, 200, list('10', []));
  });
  await reflector.synced;
  expect(performance.now() - start).toBeGreaterThan(290);
});
