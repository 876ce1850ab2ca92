import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { checkout } from '../places.ts';
import { type ApiServer, apiServerOf } from './api-server.ts';
import { chartAdmissionPolicy, chartRights } from './chart.ts';
import { until } from './until.ts';

export const jobsNamespace = 'neurocards-jobs';
export const ownNamespace = 'neurocards';
export const places = { jobsNamespace, ownNamespace };
export const generateSecret = 'neurocards-generate';
export const deliverSecret = 'neurocards-deliver';
export const storageClaim = 'neurocards-storage';

export interface ClusterContent {
  kubeconfig: string;
  storageDirectory: string;
  generateEnv: Readonly<Record<string, string>>;
  deliverEnv: Readonly<Record<string, string>>;
}

/** Puts into the API server what `helm install` would: namespaces, the custom resource, rights, Secrets, the volume. Idempotent. */
export async function prepareCluster(content: ClusterContent): Promise<void> {
  const api = apiServerOf(content.kubeconfig);
  const within = `/api/v1/namespaces/${jobsNamespace}`;
  await apply(api, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', readCrd());
  await Promise.all([
    apply(api, '/api/v1/namespaces', namespace(ownNamespace)),
    apply(api, '/api/v1/namespaces', namespace(jobsNamespace)),
  ]);
  await Promise.all([
    apply(api, `${within}/secrets`, secret(generateSecret, content.generateEnv)),
    apply(api, `${within}/secrets`, secret(deliverSecret, content.deliverEnv)),
    apply(api, '/api/v1/persistentvolumes', volume(content.storageDirectory)),
    apply(api, `${within}/persistentvolumeclaims`, claim()),
    ...[...chartRights(places), ...chartAdmissionPolicy(places)].map((object) =>
      apply(api, collectionOf(object), object),
    ),
  ]);
  await established(api);
}

const collections: Record<string, string> = {
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
};

const placed = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ namespace: z.string().optional() }),
});

function collectionOf(object: Record<string, unknown>): string {
  const { apiVersion, kind, metadata } = placed.parse(object);
  const plural = collections[kind];
  if (plural === undefined) throw new Error(`the demo does not know where a ${kind} goes`);
  const within = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `/apis/${apiVersion}${within}/${plural}`;
}

const named = z.looseObject({ metadata: z.looseObject({ name: z.string() }) });

function apply(api: ApiServer, collection: string, object: Record<string, unknown>): Promise<void> {
  return api.apply(`${collection}/${named.parse(object).metadata.name}`, object);
}

function readCrd(): Record<string, unknown> {
  return z
    .record(z.string(), z.unknown())
    .parse(parse(readFileSync(join(checkout, 'crds/neurocards.io_videojobs.yaml'), 'utf8')));
}

function namespace(name: string): Record<string, unknown> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function secret(name: string, data: Readonly<Record<string, string>>): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: jobsNamespace }, stringData: data };
}

function volume(path: string): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: storageClaim },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteMany'],
      storageClassName: '',
      hostPath: { path },
      claimRef: { namespace: jobsNamespace, name: storageClaim },
    },
  };
}

function claim(): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: storageClaim, namespace: jobsNamespace },
    spec: {
      accessModes: ['ReadWriteMany'],
      storageClassName: '',
      volumeName: storageClaim,
      resources: { requests: { storage: '10Gi' } },
    },
  };
}

/** A custom resource is served a moment after its definition was stored. */
async function established(api: ApiServer): Promise<void> {
  await until('the custom resource VideoJob', 30, () =>
    api.get(`/apis/neurocards.io/v1alpha1/namespaces/${jobsNamespace}/videojobs?limit=1`),
  );
}
