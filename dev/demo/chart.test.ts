import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { checkout } from '../places.ts';
import { chartAdmissionPolicy, chartRights, releaseName } from './chart.ts';

const places = { jobsNamespace: 'neurocards-jobs', ownNamespace: 'neurocards' };

const found = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
  rules: z
    .array(z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }))
    .optional(),
});

/** What one role allows, as lines to read. */
function allowed(kind: string, name: string, namespace?: string): string[] {
  const objects = z.array(found).parse(chartRights(places));
  const role = objects.find(
    ({ kind: one, metadata }) => one === kind && metadata.name === name && metadata.namespace === namespace,
  );
  return (role?.rules ?? []).map(({ resources, verbs }) => `${resources.join()}: ${verbs.join(' ')}`);
}

test('the bot places and patches VideoJobs and can do nothing else', () => {
  expect(allowed('Role', 'neurocards-bot', 'neurocards-jobs')).toEqual(['videojobs: get list create patch']);
});

test('the controller works on VideoJobs, Jobs and events, and never on Secrets', () => {
  expect(allowed('ClusterRole', 'neurocards-neurocards-settlement')).toEqual([
    'videojobs: get list watch patch',
    'videojobs/status: patch',
  ]);
  expect(allowed('Role', 'neurocards-controller', 'neurocards-jobs')).toEqual([
    'videojobs: delete',
    'jobs: get list watch create delete',
    'jobs/status: patch',
    'pods: get list',
    'events: create patch',
  ]);
  expect(allowed('Role', 'neurocards-controller', 'neurocards')).toEqual([
    'leases: get create update',
    'configmaps: get create update',
  ]);
});

const hasHelm = spawnSync('helm', ['version']).status === 0;

test.skipIf(!hasHelm)('what the demo reads of the chart is what Helm renders', () => {
  const rendered = execFileSync(
    'helm',
    ['template', releaseName, join(checkout, 'charts/neurocards'), '--namespace', places.ownNamespace]
      .concat(['--set', `jobsNamespace.name=${places.jobsNamespace}`])
      .concat(['--set', 'storage.existingClaim=videos', '--set', 'storage.jobsExistingClaim=videos'])
      .concat(['--show-only', 'templates/rbac.yaml', '--show-only', 'templates/admission-policy.yaml']),
    { encoding: 'utf8' },
  );
  const withoutLabels = (object: unknown): unknown => {
    const { metadata, ...rest } = found.parse(object);
    // What names no namespace goes into the release's own.
    const { name, namespace = rest.kind === 'Role' ? places.ownNamespace : undefined } = metadata;
    return { ...rest, metadata: namespace === undefined ? { name } : { name, namespace } };
  };
  const byHelm = parseAllDocuments(rendered).map((document) => withoutLabels(z.unknown().parse(document.toJS())));
  const own = [...chartRights(places), ...chartAdmissionPolicy(places)].map(withoutLabels);
  const sorted = (objects: unknown[]): string[] => objects.map((one) => JSON.stringify(sortKeys(one))).toSorted();
  expect(sorted(own)).toEqual(sorted(byHelm));
});

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}
