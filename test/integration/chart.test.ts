import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import {
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  RbacAuthorizationV1Api,
} from '@kubernetes/client-node';
import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { installVideoJobCrd } from '../../dev/videojob-crd.ts';
import { adminEnvironment } from '../../src/admin/config.ts';
import { botEnvironment } from '../../src/bot/config.ts';
import { controllerEnvironment } from '../../src/controller/config.ts';
import { createKubeClient } from '../../src/kube/client.ts';
import { deliverEnvironment, generateEnvironment } from '../../src/runner/config.ts';
import { createTestNamespace } from '../support/namespace.ts';
import { waitFor } from '../support/wait.ts';

const CHART = join(import.meta.dirname, '../../charts/neurocards');
const hasHelm = spawnSync('helm', ['version']).status === 0;

beforeEach((context) => {
  if (!hasHelm) context.skip('helm is not installed, and nothing else can render a chart');
});

const envVar = z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() });
const container = z.looseObject({
  command: z.array(z.string()).optional(),
  env: z.array(envVar),
  securityContext: z.unknown(),
  resources: z.object({ requests: z.record(z.string(), z.string()), limits: z.object({ memory: z.string() }) }),
});
const podTemplate = z.looseObject({
  spec: z.looseObject({ containers: z.tuple([container]), securityContext: z.unknown() }),
});
type PodTemplate = z.infer<typeof podTemplate>;
const rendered = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
type Rendered = z.infer<typeof rendered>;

const volume = 'storage.persistentVolumeSource.hostPath.path=/srv';

function helm(values: readonly string[] = [volume], release = 'nc', namespace = 'neurocards'): string {
  const args = ['template', release, CHART, '--namespace', namespace, ...values.flatMap((value) => ['--set', value])];
  return execFileSync('helm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function documents(...args: Parameters<typeof helm>): Rendered[] {
  return parseAllDocuments(helm(...args))
    .map((document): unknown => document.toJS())
    .filter((document) => document !== null)
    .map((document) => rendered.parse(document));
}

/** Every pod the chart describes: its own, and those the controller makes. */
function pods(): Map<string, PodTemplate> {
  const all = documents();
  const found = new Map<string, PodTemplate>();
  for (const { kind, metadata, spec } of all) {
    if (kind !== 'Deployment' && kind !== 'Job') continue;
    found.set(metadata.name.replace('nc-neurocards-', ''), z.object({ template: podTemplate }).parse(spec).template);
  }
  const map = all.find(({ kind }) => kind === 'ConfigMap');
  const { 'pod-templates.json': json } = z.object({ 'pod-templates.json': z.string() }).parse(map?.['data']);
  const stages = z.object({ generate: podTemplate, deliver: podTemplate }).parse(JSON.parse(json));
  return found.set('generate', stages.generate).set('deliver', stages.deliver);
}

describe('the rendered chart', () => {
  test('describes six kinds of pods, all as the restricted standard wants them and with a read-only root', () => {
    const found = pods();
    expect([...found.keys()].sort()).toEqual(['admin', 'bot', 'controller', 'deliver', 'generate', 'migrate']);
    for (const { spec } of found.values()) {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(spec.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  test('gives a service-account token only to those who talk to the API server', () => {
    const withToken = [...pods()].filter(([, { spec }]) => spec['automountServiceAccountToken'] !== false);
    expect(withToken.map(([name]) => name).sort()).toEqual(['admin', 'bot', 'controller']);
  });

  const settings = {
    bot: botEnvironment,
    controller: controllerEnvironment,
    admin: adminEnvironment,
    generate: generateEnvironment,
    deliver: deliverEnvironment,
  };
  // The controller adds these to the pods it makes.
  const added = ['NEUROCARDS_ORDER', 'NEUROCARDS_VIDEOJOB_UID', 'NEUROCARDS_EXECUTION'];

  test.each(Object.entries(settings))('gives %s every setting it needs and none it does not know', (name, schema) => {
    const env = pods().get(name)?.spec.containers[0].env ?? [];
    const given = env.map((variable) => variable.name);
    const fields = Object.entries(schema.shape);
    const needed = fields.filter(([, field]) => !z.safeParse(field, undefined).success).map(([field]) => field);
    expect(given.filter((one) => !(one in schema.shape))).toEqual([]);
    expect(needed.filter((one) => !given.includes(one) && !added.includes(one))).toEqual([]);
    for (const { name: variable, value } of env) {
      const field: unknown = fields.find(([one]) => one === variable)?.[1];
      if (value !== undefined && field instanceof z.ZodType) expect(field.safeParse(value).error).toBeUndefined();
    }
  });

  test('names no secret by its value', () => {
    const secret = /(TOKEN|KEY|DATABASE_URL|SECRET)$/;
    for (const { spec } of pods().values()) {
      const secrets = spec.containers[0].env.filter(({ name }) => secret.test(name));
      for (const variable of secrets) expect(variable).toMatchObject({ valueFrom: { secretKeyRef: {} } });
    }
  });

  test('keeps the definition, the jobs namespace and the volumes when it is uninstalled', () => {
    const kinds = ['CustomResourceDefinition', 'Namespace', 'PersistentVolumeClaim', 'PersistentVolume'];
    const kept = documents().filter(({ kind }) => kinds.includes(kind));
    expect(kept).toHaveLength(6);
    for (const { metadata } of kept) {
      expect(metadata['annotations']).toMatchObject({ 'helm.sh/resource-policy': 'keep' });
    }
  });

  test.each([
    ['telegram.token=123:abc', "additional properties 'token' not allowed"],
    ['bot.extraEnv[0].name=NEUROCARDS_TELEGRAM_BOT_TOKEN,bot.extraEnv[0].value=123:abc', "'not' failed"],
    ['provider.baseUrl=https://user:password@example.com', 'does not match pattern'],
    ['image.tg=1', "additional properties 'tg' not allowed"],
    ['orders.maxAttempts=9', 'maximum: got 9, want 5'],
    ['jobsNamespace.name=neurocards', 'whoever deletes the jobs would delete the bot'],
  ])('refuses %s and says why', (value, why) => {
    expect(() => helm([volume, value])).toThrow(why);
  });

  test('wants files that both namespaces see, and is content with two claims of them', () => {
    const existing = ['storage.existingClaim=files', 'storage.jobsExistingClaim=files'];
    for (const values of [[], existing.slice(0, 1), existing.slice(1)]) {
      expect(() => helm(values)).toThrow('two claims of one StorageClass would get two volumes');
    }
    expect(documents(existing).filter(({ kind }) => kind.startsWith('PersistentVolume'))).toEqual([]);
  });
});

describe('the rights of people and of our accounts', () => {
  let namespace: string;
  const release = `nc${Date.now().toString(36)}`;
  const account = (name: string): string => `system:serviceaccount:${namespace}-own:${release}-neurocards-${name}`;

  function as(user: string): CustomObjectsApi {
    const config = new KubeConfig();
    config.loadFromFile(inject('kubeconfig'));
    const [known] = config.users;
    if (known === undefined) throw new Error('The kubeconfig names no user.');
    config.users = [{ ...known, impersonateUser: user }];
    return config.makeApiClient(CustomObjectsApi);
  }

  const where = (): { group: string; version: string; namespace: string; plural: string } => ({
    group: 'neurocards.io',
    version: 'v1alpha1',
    namespace,
    plural: 'videojobs',
  });

  function videoJob(order: string): Record<string, unknown> {
    return {
      apiVersion: 'neurocards.io/v1alpha1',
      kind: 'VideoJob',
      metadata: { name: `vj-${order}`, finalizers: ['neurocards.io/settlement'] },
      spec: {
        order: { id: order, userId: 1, credits: 1, specHash: `v1:${'0'.repeat(64)}`, mac: '0'.repeat(64) },
        input: { photo: 'photos/cup.jpg', template: 'ugc' },
        generation: {
          provider: 'kie',
          model: 'model',
          seconds: 5,
          aspectRatio: '9:16',
          audio: true,
          mode: 'Pod',
          maxAttempts: 1,
          timeoutSeconds: 600,
        },
        delivery: { minExecutions: 3, timeoutSeconds: 180, deadlineSeconds: 900 },
        activeDeadlineSeconds: 1800,
        queueTimeoutSeconds: 3600,
      },
    };
  }

  const patch = (user: string, order: string, body: unknown): Promise<unknown> => {
    return mergePatch(as(user), { ...where(), name: `vj-${order}`, body });
  };

  beforeAll(async () => {
    if (!hasHelm) return;
    const own = await createTestNamespace();
    namespace = own.name;
    const config = new KubeConfig();
    config.loadFromFile(own.kubeconfig);
    const objects = KubernetesObjectApi.makeApiClient(config);
    const client = createKubeClient({ kubeconfig: own.kubeconfig, userAgent: 'neurocards-test' });
    await installVideoJobCrd(client);
    await client.close();
    const values = [volume, 'jobsNamespace.create=false', `jobsNamespace.name=${namespace}`, 'crds.enabled=false'];
    const wanted = [
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionPolicyBinding',
    ];
    for (const document of documents(values, release, `${namespace}-own`)) {
      if (!wanted.includes(document.kind)) continue;
      // Helm would put what names no namespace into the release's; nothing here needs that one.
      if (!isClusterWide(document) && document.metadata.namespace !== namespace) continue;
      await objects.create(objectOf(document));
    }
    const rbac = config.makeApiClient(RbacAuthorizationV1Api);
    // The last one may do everything by its rights, so that only the policy can refuse it.
    for (const role of ['view', 'edit', 'admin', 'cluster-admin']) {
      await rbac.createNamespacedRoleBinding({
        namespace,
        body: {
          metadata: { name: role },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
          subjects: [{ kind: 'User', name: role, apiGroup: 'rbac.authorization.k8s.io' }],
        },
      });
    }
    // Roles are aggregated by a controller, and the policy is compiled by the API server, both a moment later.
    await waitFor(() => as('view').listNamespacedCustomObject(where()), { what: 'the right to view VideoJobs' });
    await as(account('bot')).createNamespacedCustomObject({ ...where(), body: videoJob('aaaaaaaaaaa2') });
    let looks = 0;
    await waitFor(
      async () => {
        looks += 1;
        const other = { metadata: { finalizers: [`neurocards.io/look-${looks}`] } };
        const answer = await patch('cluster-admin', 'aaaaaaaaaaa2', other).catch(String);
        return String(answer).includes('ValidatingAdmissionPolicy');
      },
      { what: 'the policy to be in force' },
    );
    return async () => {
      for (const document of documents(values, release, `${namespace}-own`)) {
        if (isClusterWide(document)) await objects.delete(objectOf(document));
      }
      await own.remove();
    };
  });

  test('the bot creates; nobody else may, even with the right to', async () => {
    await as(account('bot')).createNamespacedCustomObject({ ...where(), body: videoJob('aaaaaaaaaaaa') });
    for (const person of ['edit', 'admin', 'cluster-admin']) {
      const created = as(person).createNamespacedCustomObject({ ...where(), body: videoJob('bbbbbbbbbbbb') });
      await expect(created).rejects.toMatchObject({ code: 403 });
    }
  });

  test('edit changes the three mutable fields and nothing else', async () => {
    await as(account('bot')).createNamespacedCustomObject({ ...where(), body: videoJob('cccccccccccc') });
    await waitFor(() => patch('edit', 'cccccccccccc', { spec: { suspend: true } }), { what: 'the right to edit' });
    await patch('edit', 'cccccccccccc', { spec: { ttlSecondsAfterFinished: 60, suspend: false } });
    await expect(patch('edit', 'cccccccccccc', { spec: { queueTimeoutSeconds: 1 } })).rejects.toThrow(
      'only cancel, suspend and ttlSecondsAfterFinished can',
    );
    await expect(patch('view', 'cccccccccccc', { spec: { suspend: true } })).rejects.toMatchObject({ code: 403 });
  });

  test('nobody but the controller takes the finalizer, and it takes it', async () => {
    await as(account('bot')).createNamespacedCustomObject({ ...where(), body: videoJob('dddddddddddd') });
    for (const person of ['edit', 'cluster-admin']) {
      await expect(patch(person, 'dddddddddddd', { metadata: { finalizers: null } })).rejects.toThrow(
        'holds it until its credits are settled',
      );
    }
    await patch(account('controller'), 'dddddddddddd', { metadata: { finalizers: null } });
  });

  test('delete is for admin', async () => {
    await as(account('bot')).createNamespacedCustomObject({ ...where(), body: videoJob('eeeeeeeeeeee') });
    const target = { ...where(), name: 'vj-eeeeeeeeeeee' };
    await expect(as('edit').deleteNamespacedCustomObject(target)).rejects.toMatchObject({ code: 403 });
    await as('admin').deleteNamespacedCustomObject(target);
    await patch(account('controller'), 'eeeeeeeeeeee', { metadata: { finalizers: null } });
  });

  // A namespace that is deleted loses its roles before its VideoJobs, and ends only when these are let go.
  test('the controller settles and lets go after the namespace has lost its roles', async () => {
    await as(account('bot')).createNamespacedCustomObject({ ...where(), body: videoJob('ffffffffffff') });
    const config = new KubeConfig();
    config.loadFromFile(inject('kubeconfig'));
    const rbac = config.makeApiClient(RbacAuthorizationV1Api);
    await rbac.deleteNamespacedRoleBinding({ namespace, name: `${release}-neurocards-bot` });
    await rbac.deleteNamespacedRoleBinding({ namespace, name: `${release}-neurocards-controller` });
    await waitFor(
      () =>
        as(account('bot'))
          .listNamespacedCustomObject(where())
          .then(
            () => false,
            () => true,
          ),
      {
        what: 'the roles to be gone',
      },
    );
    await as('admin').deleteNamespacedCustomObject({ ...where(), name: 'vj-ffffffffffff' });
    await as(account('controller')).listNamespacedCustomObject(where());
    await patch(account('controller'), 'ffffffffffff', { metadata: { finalizers: null } });
  });
});

function isClusterWide({ kind }: Rendered): boolean {
  return kind.startsWith('Validating') || kind.startsWith('ClusterRole');
}

function objectOf(document: Rendered): KubernetesObject {
  return z.custom<KubernetesObject>().parse(document);
}

/** The client patches custom objects with JSON patches unless it is told otherwise. */
async function mergePatch(
  api: CustomObjectsApi,
  request: Parameters<CustomObjectsApi['patchNamespacedCustomObject']>[0],
): Promise<unknown> {
  const { setHeaderOptions, PatchStrategy } = await import('@kubernetes/client-node');
  return api.patchNamespacedCustomObject(request, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
}
