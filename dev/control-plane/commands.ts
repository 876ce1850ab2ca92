import { join } from 'node:path';
import { Authority, type KeyPairFiles, keepSigningKey } from './certificates.ts';
import type { ControlPlanePorts } from './ports.ts';

export const PROCESS_NAMES = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const;
export type ProcessName = (typeof PROCESS_NAMES)[number];

/** Everything that the three command lines and the kubeconfigs refer to. */
export interface Identity {
  kubernetes: Authority;
  etcdAuthority: Authority;
  /** Of aggregated servers' callers; there are none, but the controller manager complains for ever without one. */
  frontProxyAuthority: Authority;
  etcd: KeyPairFiles;
  etcdClient: KeyPairFiles;
  apiServer: KeyPairFiles;
  kubeletClient: KeyPairFiles;
  controllerManager: KeyPairFiles;
  controllerManagerClient: KeyPairFiles;
  administrator: KeyPairFiles;
  signing: { publicKey: string; privateKey: string };
}

/**
 * The controllers we need of Kubernetes' own. Without the service account controller pods are refused for want of a
 * default account; without the quota controller a quota refuses nothing; the three about nodes make the loss of one
 * real; the aggregation controller fills the roles view, edit and admin.
 */
const CONTROLLERS = [
  'clusterrole-aggregation-controller',
  'garbage-collector-controller',
  'job-controller',
  'namespace-controller',
  'node-lifecycle-controller',
  'pod-garbage-collector-controller',
  'resourcequota-controller',
  'serviceaccount-controller',
  'taint-eviction-controller',
  'ttl-after-finished-controller',
];

/**
 * Opens or makes all certificates of a control plane. etcd has an authority of its own: with a common one every
 * client of the API server could read and write etcd past it.
 */
export async function openIdentity(directory: string): Promise<Identity> {
  const addresses = ['127.0.0.1', 'localhost'];
  const kubernetes = await Authority.open(directory, 'ca');
  const etcdAuthority = await Authority.open(directory, 'etcd-ca');
  return {
    kubernetes,
    etcdAuthority,
    frontProxyAuthority: await Authority.open(directory, 'front-proxy-ca'),
    etcd: await etcdAuthority.keep('etcd', { commonName: 'etcd', addresses }),
    etcdClient: await etcdAuthority.keep('etcd-client', { commonName: 'kube-apiserver' }),
    apiServer: await kubernetes.keep('kube-apiserver', {
      commonName: 'kube-apiserver',
      addresses: [...addresses, 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', '10.0.0.1'],
    }),
    kubeletClient: await kubernetes.keep('kubelet-client', { commonName: 'kube-apiserver-kubelet-client' }),
    controllerManager: await kubernetes.keep('kube-controller-manager', {
      commonName: 'kube-controller-manager',
      addresses,
    }),
    controllerManagerClient: await kubernetes.keep('kube-controller-manager-client', {
      commonName: 'system:kube-controller-manager',
    }),
    administrator: await kubernetes.keep('administrator', {
      commonName: 'neurocards-administrator',
      groups: ['system:masters'],
    }),
    signing: await keepSigningKey(directory),
  };
}

export interface CommandSettings {
  directory: string;
  ports: ControlPlanePorts;
  identity: Identity;
  controllerManagerKubeconfig: string;
  unsafeNoFsync: boolean;
  apiServerArgs: readonly string[];
}

/** The arguments of each process, as flags. */
export function commandArguments(name: ProcessName, settings: CommandSettings): string[] {
  switch (name) {
    case 'etcd':
      return [...toFlags(etcdFlags(settings)), ...(settings.unsafeNoFsync ? ['--unsafe-no-fsync'] : [])];
    case 'kube-apiserver':
      return [...toFlags(apiServerFlags(settings)), ...settings.apiServerArgs];
    case 'kube-controller-manager':
      return toFlags(controllerManagerFlags(settings));
  }
}

function toFlags(values: Record<string, string>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

function etcdFlags({ directory, ports, identity }: CommandSettings): Record<string, string> {
  const client = `https://127.0.0.1:${ports.etcdClient}`;
  const peer = `https://127.0.0.1:${ports.etcdPeer}`;
  const authority = identity.etcdAuthority.files.certificate;
  return {
    name: 'neurocards',
    'data-dir': join(directory, 'etcd'),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `neurocards=${peer}`,
    'cert-file': identity.etcd.certificate,
    'key-file': identity.etcd.key,
    'trusted-ca-file': authority,
    'client-cert-auth': 'true',
    'peer-cert-file': identity.etcd.certificate,
    'peer-key-file': identity.etcd.key,
    'peer-trusted-ca-file': authority,
    'peer-client-cert-auth': 'true',
    'log-level': 'warn',
  };
}

function apiServerFlags({ directory, ports, identity }: CommandSettings): Record<string, string> {
  return {
    'etcd-servers': `https://127.0.0.1:${ports.etcdClient}`,
    'etcd-cafile': identity.etcdAuthority.files.certificate,
    'etcd-certfile': identity.etcdClient.certificate,
    'etcd-keyfile': identity.etcdClient.key,
    'bind-address': '127.0.0.1',
    // Given so that it is not looked for: a machine without a default route has none to find.
    'advertise-address': '127.0.0.1',
    // The kubernetes Service would get 127.0.0.1 as endpoint, which the server itself refuses at every try.
    'endpoint-reconciler-type': 'none',
    'secure-port': String(ports.apiServer),
    'cert-dir': join(directory, 'run'),
    'tls-cert-file': identity.apiServer.certificate,
    'tls-private-key-file': identity.apiServer.key,
    'client-ca-file': identity.kubernetes.files.certificate,
    'requestheader-client-ca-file': identity.frontProxyAuthority.files.certificate,
    'requestheader-username-headers': 'X-Remote-User',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'kubelet-client-certificate': identity.kubeletClient.certificate,
    'kubelet-client-key': identity.kubeletClient.key,
    'kubelet-preferred-address-types': 'InternalIP',
    'service-account-key-file': identity.signing.publicKey,
    'service-account-signing-key-file': identity.signing.privateKey,
    'service-account-issuer': 'https://kubernetes.default.svc',
    'authorization-mode': 'Node,RBAC',
    'service-cluster-ip-range': '10.0.0.0/24',
  };
}

function controllerManagerFlags({
  directory,
  ports,
  identity,
  controllerManagerKubeconfig,
}: CommandSettings): Record<string, string> {
  return {
    kubeconfig: controllerManagerKubeconfig,
    'authentication-kubeconfig': controllerManagerKubeconfig,
    'authorization-kubeconfig': controllerManagerKubeconfig,
    'bind-address': '127.0.0.1',
    'secure-port': String(ports.controllerManager),
    'cert-dir': join(directory, 'run'),
    'tls-cert-file': identity.controllerManager.certificate,
    'tls-private-key-file': identity.controllerManager.key,
    'service-account-private-key-file': identity.signing.privateKey,
    'root-ca-file': identity.kubernetes.files.certificate,
    'use-service-account-credentials': 'true',
    'leader-elect': 'false',
    controllers: CONTROLLERS.join(','),
    // Its own limit of 20 requests a second would start Jobs a handful a second.
    'kube-api-qps': '200',
    'kube-api-burst': '400',
    'concurrent-job-syncs': '20',
  };
}
