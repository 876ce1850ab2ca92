import { randomUUID } from 'node:crypto';
import { arch, hostname, release } from 'node:os';
import { type Api, ApiError } from './api.ts';
import { untilAnswered, waited } from './backoff.ts';
import type { Capacity } from './capacity.ts';
import { POD_IP } from './environment.ts';
import { time } from './status.ts';

/** The API server calls a node lost 40 to 50 s after its last sign of life; a kubelet signs every 10. */
const RENEW_EVERY_MS = 10_000;
const LEASE_SECONDS = 40;

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

export interface Registration {
  api: Api;
  name: string;
  labels: Record<string, string>;
  capacity: Capacity;
  /** Where the node serves logs. */
  port: number;
  log: (message: string) => void;
  signal: AbortSignal;
}

/** The labels a kubelet gives its node by itself. */
export function nodeLabels(name: string): Record<string, string> {
  return { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': goArch() };
}

/**
 * Creates the Node, or takes over the one of that name, and reports it Ready; repeats while the API server is away.
 * @throws ApiError when the server refuses, or `signal` ended the repeating.
 */
export async function register({ api, name, labels, capacity, port, signal }: Registration): Promise<void> {
  const now = time(new Date());
  const status = { ...nodeStatus(name, capacity, port), conditions: conditions(now, now) };
  await untilAnswered(async () => {
    try {
      await api.call('POST', '/api/v1/nodes', { body: { metadata: { name, labels }, status }, signal });
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === 'Conflict')) throw error;
      await api.call('PATCH', `/api/v1/nodes/${name}`, { body: { metadata: { labels } }, signal });
      await api.call('PATCH', `/api/v1/nodes/${name}/status`, { body: { status }, signal });
    }
    await renewLease(api, name, signal);
  }, signal);
}

/** Keeps the Node alive in the API server's eyes until `signal`; a Node that somebody deleted is registered again. */
export async function keepAlive(registration: Registration): Promise<void> {
  const { api, name, log, signal } = registration;
  for (let beat = 1; await waited(RENEW_EVERY_MS, signal); beat += 1) {
    try {
      await renewLease(api, name, signal);
      // The whole status every minute: it also undoes a NotReady that was written while the machine slept.
      if (beat % 6 === 0) {
        const status = { conditions: conditions(time(new Date())) };
        await api.call('PATCH', `/api/v1/nodes/${name}/status`, { body: { status }, signal });
      }
    } catch (error) {
      if (signal.aborted) return;
      log(`heartbeat: ${error instanceof Error ? error.message : error}`);
      if (error instanceof ApiError && error.reason === 'NotFound') {
        await register(registration).catch((cause: unknown) => log(`registration: ${cause}`));
      }
    }
  }
}

async function renewLease(api: Api, name: string, signal: AbortSignal): Promise<void> {
  const spec = { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime: microTime(new Date()) };
  try {
    await api.call('PATCH', `${leases}/${name}`, { body: { spec }, patch: 'application/merge-patch+json', signal });
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'NotFound')) throw error;
    await api.call('POST', leases, { body: { metadata: { name, namespace: 'kube-node-lease' }, spec }, signal });
  }
}

function nodeStatus(name: string, { cpu, memory, pods }: Capacity, port: number): object {
  const resources = { cpu, memory, pods };
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: POD_IP },
      { type: 'Hostname', address: name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    nodeInfo: {
      machineID: hostname(),
      systemUUID: hostname(),
      bootID: randomUUID(),
      kernelVersion: release(),
      osImage: 'local processes',
      containerRuntimeVersion: `process://${process.versions.node}`,
      kubeletVersion: 'v1.36.3',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: goArch(),
    },
  };
}

function conditions(now: string, since?: string): object[] {
  const common = { lastHeartbeatTime: now, ...(since !== undefined && { lastTransitionTime: since }) };
  const fine = (type: string, reason: string, message: string) => ({
    type,
    status: 'False',
    reason,
    message,
    ...common,
  });
  return [
    fine('MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    fine('DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    fine('PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'pods run as local processes', ...common },
  ];
}

function goArch(): string {
  return arch() === 'x64' ? 'amd64' : arch();
}

/** A MicroTime has six decimals. */
function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}
