import type { KubeClient, Target } from '../kube/client.ts';
import type { AdminEnvironment } from './config.ts';

export interface Cluster {
  readonly kube: KubeClient;
  /** Of the VideoJobs. */
  readonly namespace: string;
  /** An object of the controller's own. */
  own(name: string): Target;
}

/**
 * Does something with the API server, and closes the connection after it.
 * @throws an error that says what is not set.
 */
export async function withCluster<T>(env: AdminEnvironment, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const namespace = env.NEUROCARDS_NAMESPACE;
  if (namespace === undefined)
    throw new Error('this looks at VideoJobs: set NEUROCARDS_NAMESPACE, and KUBECONFIG outside a pod');
  // Loaded only here: the client library takes a second, and most commands ask the books alone.
  const { createKubeClient } = await import('../kube/client.ts');
  const kube = createKubeClient({ userAgent: 'neurocards-admin' });
  const ownNamespace = env.NEUROCARDS_OWN_NAMESPACE ?? kube.namespace ?? 'default';
  try {
    return await work({ kube, namespace, own: (name) => ({ namespace: ownNamespace, name }) });
  } finally {
    await kube.close();
  }
}
