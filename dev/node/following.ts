import type { Api } from './api.ts';
import type { Binder } from './binder.ts';
import { Pod } from './pod.ts';
import type { NodePods } from './pods.ts';
import { follow, type WatchHandlers } from './watch.ts';

/** Whom to tell of which Pods. */
export interface Following {
  name: string;
  namespaces: readonly string[];
  pods: NodePods;
  binder: Binder;
  log: (message: string) => void;
}

/**
 * Follows the Pods bound to the node, and those that wait for one, in these namespaces (all of them when none is named)
 * until `signal`. `synced` resolves once every Pod that exists was told.
 */
export function followPods(api: Api, { name, namespaces, pods, binder, log }: Following, signal: AbortSignal) {
  const paths = namespaces.length === 0 ? ['/api/v1/pods'] : namespaces.map((one) => `/api/v1/namespaces/${one}/pods`);
  const parsed = (handle: (pod: Pod) => void) => (object: unknown) => {
    const pod = Pod.safeParse(object);
    if (pod.success) handle(pod.data);
    else log(`a pod is not understood: ${pod.error.message}`);
  };
  const start = (path: string, fieldSelector: string, handlers: Pick<WatchHandlers, 'onObject' | 'onGone'>) => {
    const synced = Promise.withResolvers<void>();
    const onTrouble = (message: string) => log(`watch of ${path}: ${message}`);
    const ended = follow(
      api,
      { path, query: { fieldSelector } },
      { ...handlers, onSynced: synced.resolve, onTrouble },
      signal,
    );
    return { synced: synced.promise, ended };
  };
  const all = paths.flatMap((path) => [
    start(path, `spec.nodeName=${name}`, {
      onObject: parsed((pod) => pods.update(pod)),
      onGone: (uid) => pods.gone(uid),
    }),
    start(path, 'spec.nodeName=,status.phase=Pending', {
      onObject: parsed((pod) => binder.offer(pod)),
      onGone: (uid) => binder.withdraw(uid),
    }),
  ]);
  return {
    synced: Promise.all(all.map(({ synced }) => synced)),
    ended: Promise.all(all.map(({ ended }) => ended)),
  };
}
