import { type Api, ApiError } from './api.ts';
import type { Pod } from './pod.ts';
import { time } from './status.ts';

/** Writes an Event about a Pod. Only for what a person must act on: a healthy Pod causes none. Never rejects. */
export type RecordEvent = (pod: Pod, reason: string, message: string) => void;

/** An event recorder for this node; a lost Event is told to `log` and not repeated. */
export function eventRecorder(api: Api, nodeName: string, log: (message: string) => void): RecordEvent {
  return (pod, reason, message) => {
    const { namespace, name, uid } = pod.metadata;
    const now = time(new Date());
    const event = {
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
      type: 'Warning',
      reason,
      message: message.slice(0, 1024),
      source: { component: reason === 'FailedScheduling' ? 'default-scheduler' : 'kubelet', host: nodeName },
      reportingComponent: 'neurocards-dev-node',
      reportingInstance: nodeName,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    api.call('POST', `/api/v1/namespaces/${namespace}/events`, { body: event }).catch((error: unknown) => {
      log(`event ${reason} of ${namespace}/${name} was lost: ${error instanceof ApiError ? error.reason : error}`);
    });
  };
}
