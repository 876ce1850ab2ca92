/** Kept equal to go/go.mod by a test. */
export const KUBERNETES_VERSION = 'v1.36.3';
/** The version Kubernetes itself requires, so that both are built in one module. */
export const ETCD_VERSION = 'v3.6.8';

export const PROGRAM_NAMES = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
export type ProgramName = (typeof PROGRAM_NAMES)[number];
