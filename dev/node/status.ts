import { POD_IP } from './environment.ts';
import type { Pod } from './pod.ts';

export interface Waiting {
  kind: 'waiting';
  reason: string;
  message?: string | undefined;
}

export interface Running {
  kind: 'running';
  startedAt: Date;
}

export interface Terminated {
  kind: 'terminated';
  exitCode: number;
  signal?: number | undefined;
  /** `Completed`, `Error`, `StartError`, `ContainerStatusUnknown`. */
  reason: string;
  message?: string | undefined;
  startedAt?: Date | undefined;
  finishedAt?: Date | undefined;
}

export type ContainerState = Waiting | Running | Terminated;

/** Why a Pod ended, where its container's own end does not say it all. */
export interface Verdict {
  reason: string;
  message: string;
}

/** A Pod as this node sees it. A rejected one never had containers. */
export type PodView =
  | { startTime: Date; container: ContainerState; verdict?: Verdict | undefined }
  | { startTime: Date; rejected: Verdict };

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** The phase that follows from a view: a verdict means Failed whatever the exit code says. */
export function phaseOf(view: PodView): Phase {
  if ('rejected' in view || view.verdict) return 'Failed';
  const { container } = view;
  switch (container.kind) {
    case 'waiting':
      return 'Pending';
    case 'running':
      return 'Running';
    case 'terminated':
      return container.exitCode === 0 ? 'Succeeded' : 'Failed';
  }
}

/**
 * The strategic merge patch that makes the API server's status of this Pod equal the view; conditions of other writers
 * (a disruption's) stay. It carries the UID, so that it never lands on a namesake. Pure.
 */
export function statusPatch(pod: Pod, view: PodView, now: Date): object {
  const verdict = 'rejected' in view ? view.rejected : view.verdict;
  const phase = phaseOf(view);
  return {
    metadata: { uid: pod.metadata.uid },
    status: {
      phase,
      ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
      startTime: time(view.startTime),
      ...(verdict && { reason: verdict.reason, message: verdict.message }),
      ...('container' in view && {
        hostIP: POD_IP,
        hostIPs: [{ ip: POD_IP }],
        podIP: POD_IP,
        podIPs: [{ ip: POD_IP }],
        conditions: conditionsOf(pod, phase, now),
        containerStatuses: pod.spec.containers.map((container) => ({
          name: container.name,
          image: container.image,
          imageID: view.container.kind === 'waiting' ? '' : container.image,
          containerID: view.container.kind === 'waiting' ? '' : `process://${pod.metadata.uid}`,
          restartCount: 0,
          ready: view.container.kind === 'running',
          started: view.container.kind === 'running',
          state: stateOf(view.container, pod),
          lastState: {},
        })),
      }),
    },
  };
}

function stateOf(state: ContainerState, pod: Pod): object {
  const words = 'message' in state && state.message !== undefined ? { message: state.message } : {};
  switch (state.kind) {
    case 'waiting':
      return { waiting: { reason: state.reason, ...words } };
    case 'running':
      return { running: { startedAt: time(state.startedAt) } };
    case 'terminated':
      return {
        terminated: {
          exitCode: state.exitCode,
          ...(state.signal !== undefined && { signal: state.signal }),
          reason: state.reason,
          ...words,
          startedAt: state.startedAt ? time(state.startedAt) : null,
          finishedAt: state.finishedAt ? time(state.finishedAt) : null,
          containerID: `process://${pod.metadata.uid}`,
        },
      };
  }
}

function conditionsOf(pod: Pod, phase: Phase, now: Date): object[] {
  const ended = phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined;
  const ready = phase === 'Running';
  const unready = ended ?? 'ContainersNotReady';
  const names = pod.spec.containers.map(({ name }) => name).join(' ');
  const message = `containers with unready status: [${names}]`;
  const notReady = { status: 'False', reason: unready, message: ended ? null : message };
  const readiness = ready ? { status: 'True', reason: null, message: null } : notReady;
  const wanted = [
    { type: 'PodReadyToStartContainers', status: ended ? 'False' : 'True', reason: null, message: null },
    { type: 'Initialized', status: 'True', reason: phase === 'Succeeded' ? 'PodCompleted' : null, message: null },
    { type: 'Ready', ...readiness },
    { type: 'ContainersReady', ...readiness },
    { type: 'PodScheduled', status: 'True', reason: null, message: null },
  ];
  return wanted.map((condition) => {
    const before = pod.status.conditions.find(({ type }) => type === condition.type);
    const kept = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return { ...condition, lastTransitionTime: kept ?? time(now), lastProbeTime: null };
  });
}

/** Kubernetes times have whole seconds. */
export function time(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** When the Pod was first taken up, by the API server's copy, else now. */
export function startTimeOf(pod: Pod, now: Date): Date {
  return pod.status.startTime === undefined ? now : new Date(pod.status.startTime);
}
