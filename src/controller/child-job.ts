import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Stage } from '../ledger/executions.ts';
import { API_VERSION, type Stage as Command, childJobName, childLabels, KIND } from '../videojob/names.ts';
import type { VideoJob } from '../videojob/schema.ts';
import type { PodTemplate } from './pod-template.ts';

/** Annotation of a child Job: the pod template it was made from, so that a corrected one is noticed. */
export const templateAnnotation = 'neurocards.io/pod-template';

/** Every pass asks for the same two templates. */
const hashes = new WeakMap<PodTemplate, string>();

/** A short name for the content of a pod template, which nobody changes once it is read. */
export function templateHash(template: PodTemplate): string {
  const known = hashes.get(template);
  if (known !== undefined) return known;
  const hash = createHash('sha256')
    .update(canonicalize(template) ?? '')
    .digest('hex')
    .slice(0, 16);
  hashes.set(template, hash);
  return hash;
}

/** After the stage's own clock: a net for a controller that is away, never the decider. */
const netSeconds = 120;

/** SIGTERM to SIGKILL: longer than the longest call that is never aborted (60 s). */
const graceSeconds = 90;

export const commandOf: Record<Stage, Command> = { generation: 'generate', delivery: 'deliver' };

/**
 * The Job of one execution: one pod, never restarted, nothing retried by Kubernetes (every retry is a decision of ours).
 * Pure; the same execution always gives the same name.
 */
export function childJob(
  videoJob: VideoJob,
  stage: Stage,
  execution: number,
  remainingSeconds: number,
  template: PodTemplate,
): Record<string, unknown> {
  const { metadata, spec } = videoJob;
  const command = commandOf[stage];
  const labels = childLabels(spec.order.id, command, execution);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: childJobName(metadata.name, command, execution),
      namespace: metadata.namespace,
      labels,
      annotations: { [templateAnnotation]: templateHash(template) },
      ownerReferences: [
        {
          apiVersion: API_VERSION,
          kind: KIND,
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: false,
        },
      ],
    },
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      activeDeadlineSeconds: Math.ceil(remainingSeconds) + netSeconds,
      template: podOf(videoJob, command, execution, template, labels),
    },
  };
}

function podOf(
  { metadata, spec }: VideoJob,
  command: Command,
  execution: number,
  template: PodTemplate,
  labels: Record<string, string>,
): Record<string, unknown> {
  const [container] = template.spec.containers;
  return {
    ...template,
    metadata: { ...template.metadata, labels: { ...template.metadata.labels, ...labels } },
    spec: {
      tolerations: lostNodeTolerations,
      ...template.spec,
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: graceSeconds,
      containers: [
        {
          ...container,
          command: ['neurocards-runner', command],
          env: [
            ...(container?.env ?? []),
            { name: 'NEUROCARDS_ORDER', value: spec.order.id },
            { name: 'NEUROCARDS_VIDEOJOB_UID', value: metadata.uid },
            { name: 'NEUROCARDS_EXECUTION', value: String(execution) },
            ...(command === 'deliver'
              ? [{ name: 'NEUROCARDS_DELIVERY_TIMEOUT_SECONDS', value: String(spec.delivery.timeoutSeconds) }]
              : []),
          ],
        },
      ],
    },
  };
}

/** A pod on a lost node is given up after 30 s instead of Kubernetes' five minutes: another execution adopts the row. */
const lostNodeTolerations = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 30,
}));
