import { expect, test } from 'vitest';
import { Pod } from './pod.ts';
import { unimplementedField } from './refusal.ts';

const metadata = { name: 'p', namespace: 'jobs', uid: 'u' };

function fieldOf(spec: object, container: object = {}): string | undefined {
  const containers = [{ name: 'runner', image: 'neurocards', ...container }];
  return unimplementedField(Pod.parse({ metadata, spec: { restartPolicy: 'Never', containers, ...spec }, status: {} }));
}

test('what the API server adds to our Pods by itself, and what a local process may ignore, is accepted', () => {
  const spec = {
    securityContext: { runAsNonRoot: true },
    tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists' }],
    schedulerName: 'default-scheduler',
    dnsPolicy: 'ClusterFirst',
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    serviceAccount: 'default',
    serviceAccountName: 'default',
    terminationGracePeriodSeconds: 90,
    activeDeadlineSeconds: 600,
    nodeName: 'dev-node',
    hostNetwork: false,
    initContainers: [],
  };
  const container = {
    resources: { requests: { cpu: '100m' }, limits: { memory: '256Mi' } },
    securityContext: { readOnlyRootFilesystem: true },
    terminationMessagePath: '/dev/termination-log',
    imagePullPolicy: 'IfNotPresent',
    ports: [{ containerPort: 80 }],
  };
  expect(fieldOf(spec, container)).toBeUndefined();
});

test.each([
  ['spec.initContainers', { initContainers: [{ name: 'a' }] }, {}],
  ['spec.hostNetwork', { hostNetwork: true }, {}],
  ['spec.affinity', { affinity: { nodeAffinity: {} } }, {}],
  ['spec.restartPolicy: OnFailure', { restartPolicy: 'OnFailure' }, {}],
  ['spec.containers[1]', { containers: [{ name: 'a' }, { name: 'b' }] }, {}],
  ['spec.volumes[0].hostPath', { volumes: [{ name: 'v', hostPath: { path: '/' } }] }, {}],
  ['spec.volumes[0].projected', { volumes: [{ name: 'v', projected: { sources: [], defaultMode: 420 } }] }, {}],
  ['spec.containers[0].livenessProbe', {}, { livenessProbe: { exec: {} } }],
  ['spec.containers[0].lifecycle', {}, { lifecycle: { preStop: {} } }],
  [
    'spec.containers[0].volumeMounts[0].subPathExpr',
    {},
    { volumeMounts: [{ name: 'v', mountPath: '/v', subPathExpr: 'x' }] },
  ],
  [
    'spec.containers[0].env[0].valueFrom.resourceFieldRef',
    {},
    { env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'x' } } }] },
  ],
  [
    'spec.containers[0].env[0].valueFrom.fieldRef: spec.x',
    {},
    { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }] },
  ],
])('%s is refused by name', (field, spec, container) => {
  expect(fieldOf(spec, container)).toBe(field);
});
