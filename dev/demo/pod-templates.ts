import { deliverSecret, generateSecret, storageClaim } from './cluster.ts';

const mountPath = '/var/lib/neurocards';

/** The pod templates that the chart would write, for the node of this machine. */
export function podTemplates(): Record<'generate' | 'deliver', Record<string, unknown>> {
  return { generate: template(generateSecret, false), deliver: template(deliverSecret, true) };
}

function template(secretName: string, readOnly: boolean): Record<string, unknown> {
  return {
    metadata: { labels: { 'app.kubernetes.io/name': 'neurocards', 'app.kubernetes.io/component': 'runner' } },
    spec: {
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        fsGroup: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'runner',
          image: 'neurocards:dev',
          imagePullPolicy: 'IfNotPresent',
          env: [{ name: 'NEUROCARDS_STORAGE_DIRECTORY', value: mountPath }],
          envFrom: [{ secretRef: { name: secretName } }],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '512Mi' } },
          volumeMounts: [
            { name: 'storage', mountPath, readOnly },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        { name: 'storage', persistentVolumeClaim: { claimName: storageClaim } },
        { name: 'tmp', emptyDir: {} },
      ],
    },
  };
}
