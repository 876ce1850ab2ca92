import { expect, test } from 'vitest';
import { type Api, ApiError } from './api.ts';
import { follow } from './watch.ts';

const object = (uid: string, resourceVersion: string) => ({ metadata: { uid, resourceVersion } });

/** An API server whose lists and watches are written down in advance; its last watch stays open. */
function scripted(lists: object[], watches: (object[] | ApiError)[]) {
  const asked: string[] = [];
  const finished = Promise.withResolvers<void>();
  const api: Api = {
    async call(_method, path) {
      asked.push(`list ${path}`);
      return lists.shift();
    },
    async *watch(path, signal) {
      asked.push(`watch from ${new URL(path, 'http://x').searchParams.get('resourceVersion')}`);
      const next = watches.shift();
      if (next instanceof ApiError) throw next;
      if (next) yield* next;
      else {
        finished.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }
    },
    close: () => Promise.resolve(),
  };
  return { api, asked, finished: finished.promise };
}

async function play(lists: object[], watches: (object[] | ApiError)[]) {
  const { api, asked, finished } = scripted(lists, watches);
  const told: string[] = [];
  const ending = new AbortController();
  const handlers = {
    onObject: (seen: unknown) => told.push(`here ${JSON.stringify(seen)}`),
    onGone: (uid: string) => told.push(`gone ${uid}`),
    onSynced: () => told.push('synced'),
    onTrouble: () => undefined,
  };
  const following = follow(api, { path: '/pods', query: {} }, handlers, ending.signal);
  await finished;
  ending.abort();
  await following;
  return { asked, told };
}

test('after a break the watch goes on from the last version it saw, bookmarks counted', async () => {
  const { asked, told } = await play(
    [{ metadata: { resourceVersion: '10' }, items: [object('a', '9')] }],
    [
      [
        { type: 'MODIFIED', object: object('a', '11') },
        { type: 'BOOKMARK', object: { metadata: { resourceVersion: '15' } } },
      ],
      new ApiError('Unreachable', 'broken'),
      [{ type: 'DELETED', object: object('a', '16') }],
    ],
  );
  expect(asked).toEqual(['list /pods?limit=500', 'watch from 10', 'watch from 15', 'watch from 15', 'watch from 16']);
  expect(told).toEqual([
    `here ${JSON.stringify(object('a', '9'))}`,
    'synced',
    `here ${JSON.stringify(object('a', '11'))}`,
    'gone a',
  ]);
});

test.each([
  ['as an event', [{ type: 'ERROR', object: { code: 410, message: 'too old' } }]],
  ['as an answer', new ApiError('Gone', 'too old', { status: 410 })],
])('a forgotten version, told %s, means a new list, and what is missing there is gone', async (_how, forgotten) => {
  const { asked, told } = await play(
    [
      { metadata: { resourceVersion: '10' }, items: [object('a', '9')] },
      { metadata: { resourceVersion: '90' }, items: [object('b', '80')] },
    ],
    [forgotten],
  );
  expect(asked.at(-1)).toBe('watch from 90');
  expect(told.slice(2)).toEqual(['gone a', `here ${JSON.stringify(object('b', '80'))}`]);
});
