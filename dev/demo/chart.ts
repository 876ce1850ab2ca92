import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { checkout } from '../places.ts';

const templates = join(checkout, 'charts/neurocards/templates');

/** The chart's name for a release called neurocards. */
export const releaseName = 'neurocards';

export interface ChartPlaces {
  jobsNamespace: string;
  ownNamespace: string;
}

const rules = z.array(z.record(z.string(), z.array(z.string()))).min(1);
const reference = z.object({ apiGroup: z.string(), kind: z.literal('ClusterRole'), name: z.string() });
const subject = z.object({ kind: z.literal('ServiceAccount'), name: z.string(), namespace: z.string() });
const apiVersion = z.literal('rbac.authorization.k8s.io/v1');
/** The labels come from an action of Helm that is left out here. */
const metadata = z.object({ name: z.string(), namespace: z.string().optional(), labels: z.null() });

const right = z.discriminatedUnion('kind', [
  z.object({ apiVersion, kind: z.literal('Role'), metadata, rules }),
  z.object({ apiVersion, kind: z.literal('ClusterRole'), metadata, rules }),
  z.object({
    apiVersion,
    kind: z.literal('ClusterRoleBinding'),
    metadata,
    roleRef: reference,
    subjects: z.array(subject),
  }),
  // One for every Role, made by a loop of Helm: made here again.
  z.looseObject({ apiVersion, kind: z.literal('RoleBinding') }),
]);

/**
 * The rights of bot, controller and admin as the chart gives them, and the bindings to their service accounts. They are read from the
 * chart's own template, so that what the demo runs with is what a cluster gives.
 */
export function chartRights(places: ChartPlaces): Record<string, unknown>[] {
  const found = z.array(right).min(2).parse(documents('rbac.yaml', places));
  return found.flatMap((object): Record<string, unknown>[] => {
    if (object.kind === 'RoleBinding') return [];
    const { name, namespace } = object.metadata;
    if (object.kind !== 'Role') return [{ ...object, metadata: { name } }];
    const own = { name, namespace: namespace ?? places.ownNamespace };
    return [
      { ...object, metadata: own },
      {
        apiVersion: object.apiVersion,
        kind: 'RoleBinding',
        metadata: own,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: places.ownNamespace }],
      },
    ];
  });
}

const policyPart = z.looseObject({
  kind: z.enum(['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']),
  apiVersion: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.record(z.string(), z.unknown()),
});

/** What holds people to the three mutable fields of a VideoJob, as the chart installs it. */
export function chartAdmissionPolicy(places: ChartPlaces): Record<string, unknown>[] {
  return z
    .tuple([policyPart, policyPart])
    .parse(documents('admission-policy.yaml', places))
    .map(({ apiVersion, kind, metadata: { name }, spec }) => ({ apiVersion, kind, metadata: { name }, spec }));
}

/** The user name by which the API server knows a component. */
export function accountOf(component: 'bot' | 'controller', { ownNamespace }: ChartPlaces): string {
  return `system:serviceaccount:${ownNamespace}:${releaseName}-${component}`;
}

/** Enough of Helm for these two templates: names and namespaces are put in, every other action is left out. */
function documents(file: string, places: ChartPlaces): unknown[] {
  const accounts = JSON.stringify([accountOf('bot', places), accountOf('controller', places)]);
  const text = readFileSync(join(templates, file), 'utf8')
    .replaceAll(/\{\{ include "neurocards\.fullname" [.$] \}\}/g, releaseName)
    .replaceAll(/\{\{ \$?\.Values\.jobsNamespace\.name \}\}/g, places.jobsNamespace)
    .replaceAll(/\{\{ \$?\.Release\.Namespace \}\}/g, places.ownNamespace)
    .replaceAll('{{ toJson $users }}', accounts)
    .replaceAll(/\{\{[\s\S]*?\}\}/g, '');
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`${file} of the chart cannot be read without Helm: ${error.message}`);
    return z.unknown().parse(document.toJS());
  });
}
