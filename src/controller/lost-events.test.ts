import { expect, test } from 'vitest';
import type { StoredVideoJob } from '../kube/resources.ts';
import { createStore } from '../kube/store.ts';
import { lostEvents } from './lost-events.ts';

const videoJob = (name: string, resourceVersion: string, uid = 'u1'): StoredVideoJob => ({
  metadata: { name, namespace: 'jobs', uid, resourceVersion },
});

test('a VideoJob that the API server has newer, or that nobody told of, is looked at anew', () => {
  const store = createStore<StoredVideoJob>();
  for (const known of [videoJob('same', '5'), videoJob('older', '5'), videoJob('ahead', '9'), videoJob('other', '5')]) {
    store.put(known);
  }
  const live = [
    videoJob('same', '5'),
    videoJob('older', '6'),
    videoJob('ahead', '8'),
    videoJob('other', '7', 'u2'),
    videoJob('new', '3'),
  ];
  expect(lostEvents(live, store)).toEqual(['jobs/older', 'jobs/other', 'jobs/new']);
  expect(store.staleForMs(videoJob('older', '5'))).toBeTypeOf('number');
  expect(store.staleForMs(videoJob('same', '5'))).toBeUndefined();
});
