import { randomBytes } from 'node:crypto';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { inject, onTestFinished } from 'vitest';

/** A namespace of a test's own on the control plane of this run. */
export type TestNamespace = {
  readonly name: string;
  /** The administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Begins its removal and does not wait for it. Safe to repeat. */
  remove(): Promise<void>;
};

/**
 * A fresh namespace that enforces the restricted Pod Security Standard, as the chart's does. Its removal begins when the
 * test has finished; outside a test (in `beforeAll`) the caller removes it.
 */
export async function createTestNamespace(): Promise<TestNamespace> {
  const kubeconfig = inject('kubeconfig');
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const name = `test-${randomBytes(6).toString('hex')}`;
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await core.createNamespace({ body: { metadata: { name, labels } } });
  const remove = async (): Promise<void> => {
    await core.deleteNamespace({ name }).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && (error.code === 404 || error.code === 409))) throw error;
    });
  };
  try {
    onTestFinished(remove);
  } catch {
    // No test runs in a beforeAll hook: its afterAll removes it.
  }
  return { name, kubeconfig, remove };
}
