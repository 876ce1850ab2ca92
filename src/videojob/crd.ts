import { GROUP, KIND, PLURAL, VERSION } from './names.ts';
import { KIND_DESCRIPTION, videoJobSpecSchema, videoJobStatusSchema } from './schema.ts';
import { type StructuralSchema, toStructural } from './structural.ts';

const IMMUTABLE = [
  'order',
  'input',
  'generation',
  'delivery',
  'activeDeadlineSeconds',
  'queueTimeoutSeconds',
] as const satisfies (keyof typeof videoJobSpecSchema.shape)[];

/** On the parent, because a rule on the field itself is not evaluated when the field is taken away. */
const specRules = [
  ...IMMUTABLE.map((field) => ({
    rule: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
    message: `spec.${field} is what was ordered and cannot be changed; only cancel, suspend and ttlSecondsAfterFinished can.`,
  })),
  {
    rule: '!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)',
    message: 'spec.cancel cannot be taken back: the credits may already have been released.',
  },
];

/** At the root, because a rule on `.status` lets `{"status": null}` through (seen on 1.36.3). */
const rootRules = [
  {
    rule: "self.metadata.name == 'vj-' + self.spec.order.id",
    message: "metadata.name must be 'vj-' followed by spec.order.id.",
  },
  {
    rule: [
      '!has(oldSelf.status) || !has(oldSelf.status.conditions)',
      "oldSelf.status.conditions.all(o, o.type != 'Finished' || o.status != 'True'",
      '(has(self.status) && has(self.status.conditions) && self.status.conditions.exists(c,' +
        " c.type == 'Finished' && c.status == 'True' && c.reason == o.reason)))",
    ].join(' || '),
    message: 'Finished is True: the order is settled, so the condition and its reason stay.',
  },
];

const conditionReason = (type: string) => `.status.conditions[?(@.type=="${type}")].reason`;

const columns = [
  { name: 'Status', type: 'string', jsonPath: conditionReason('Finished'), description: 'How it stands, or ended.' },
  {
    name: 'Credits',
    type: 'string',
    jsonPath: conditionReason('CreditsSettled'),
    description: "What the ledger's hold became.",
  },
  { name: 'Attempts', type: 'integer', jsonPath: '.status.attempts', description: 'Paid provider tasks.' },
  { name: 'Duration', type: 'integer', jsonPath: '.status.durationSeconds', description: 'Seconds from claim to end.' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Model', type: 'string', priority: 1, jsonPath: '.spec.generation.model' },
  {
    name: 'Mode',
    type: 'string',
    priority: 1,
    jsonPath: '.status.generationMode',
    description: 'Who waits for the provider.',
  },
  {
    name: 'Job',
    type: 'string',
    priority: 1,
    jsonPath: '.status.activeJobName',
    description: 'The child Job that runs now.',
  },
  {
    name: 'Task',
    type: 'string',
    priority: 1,
    jsonPath: '.status.providerTaskID',
    description: "The provider's newest task.",
  },
];

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The CustomResourceDefinition of VideoJob, made from the schema alone. The file in `crds/` is this, written as YAML. */
export function videoJobCrd(): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: KIND,
        listKind: `${KIND}List`,
        plural: PLURAL,
        singular: 'videojob',
        shortNames: ['vj', 'vjs'],
        categories: ['neurocards'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: rootSchema() },
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          selectableFields: ['.spec.generation.provider', '.spec.generation.model', '.spec.input.template'].map(
            (jsonPath) => ({ jsonPath }),
          ),
        },
      ],
    },
  };
}

function rootSchema(): StructuralSchema {
  const status = toStructural(videoJobStatusSchema);
  const conditions = status.properties?.['conditions'];
  if (conditions === undefined) throw new TypeError('The schema of the status has lost its conditions.');
  conditions['x-kubernetes-list-type'] = 'map';
  conditions['x-kubernetes-list-map-keys'] = ['type'];
  return {
    type: 'object',
    description: KIND_DESCRIPTION,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: 'neurocards.io/v1alpha1' },
      kind: { type: 'string', description: 'VideoJob' },
      metadata: { type: 'object' },
      spec: { ...toStructural(videoJobSpecSchema), 'x-kubernetes-validations': specRules },
      status,
    },
    'x-kubernetes-validations': rootRules,
  };
}
