import { expect, test } from 'vitest';
import { expand, resolveEnvironment } from './environment.ts';
import { Pod } from './pod.ts';
import { sourcesOf } from './sources.ts';

const bytes = (entries: Record<string, string>) =>
  new Map(Object.entries(entries).map(([key, value]) => [key, Buffer.from(value)]));

const sources = sourcesOf(
  new Map([
    ['Secret/keys', bytes({ TOKEN: 'secret', URL: 'x' })],
    ['ConfigMap/settings', bytes({ MODEL: 'fast', URL: 'from-map' })],
  ]),
);

function resolve(container: object): Record<string, string> {
  const pod = Pod.parse({
    metadata: { name: 'p', namespace: 'jobs', uid: 'u', labels: { 'neurocards.io/order': 'abc' } },
    spec: { nodeName: 'dev-node', containers: [{ name: 'runner', ...container }] },
    status: {},
  });
  const [first] = pod.spec.containers;
  if (!first) throw new Error('the sample has a container');
  return Object.fromEntries(resolveEnvironment(first, pod, sources));
}

test('a value comes from the spec, a Secret, a ConfigMap or the Pod itself', () => {
  const env = [
    { name: 'PLAIN', value: 'v' },
    { name: 'EMPTY' },
    { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'TOKEN' } } },
    { name: 'MODEL', valueFrom: { configMapKeyRef: { name: 'settings', key: 'MODEL' } } },
    { name: 'ORDER', valueFrom: { fieldRef: { fieldPath: "metadata.labels['neurocards.io/order']" } } },
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
  ];
  expect(resolve({ env })).toEqual({
    PLAIN: 'v',
    EMPTY: '',
    TOKEN: 'secret',
    MODEL: 'fast',
    ORDER: 'abc',
    NODE: 'dev-node',
  });
});

test('envFrom comes before env, later sources win, and a prefix is put before the keys', () => {
  const envFrom = [
    { secretRef: { name: 'keys' } },
    { configMapRef: { name: 'settings' } },
    { prefix: 'P_', secretRef: { name: 'keys' } },
  ];
  expect(resolve({ envFrom, env: [{ name: 'MODEL', value: 'own' }] })).toEqual({
    TOKEN: 'secret',
    URL: 'from-map',
    MODEL: 'own',
    P_TOKEN: 'secret',
    P_URL: 'x',
  });
});

test('what is optional may be missing, anything else is named', () => {
  const missing = { secretKeyRef: { name: 'nowhere', key: 'K', optional: true } };
  expect(
    resolve({ env: [{ name: 'A', valueFrom: missing }], envFrom: [{ configMapRef: { name: 'x', optional: true } }] }),
  ).toEqual({});
  const key = { secretKeyRef: { name: 'keys', key: 'OTHER' } };
  expect(() => resolve({ env: [{ name: 'A', valueFrom: key }] })).toThrow(
    "couldn't find key OTHER in Secret jobs/keys",
  );
  expect(() => resolve({ envFrom: [{ configMapRef: { name: 'gone' } }] })).toThrow('configmap "gone" not found');
});

test('$(NAME) is expanded from what stands before it; $$ is a dollar; an unknown name stays', () => {
  const env = [
    { name: 'HOST', value: 'h' },
    { name: 'URL', value: 'http://$(HOST)/$(LATER)?$$(HOST)' },
    { name: 'LATER', value: 'l' },
  ];
  expect(resolve({ env })['URL']).toBe('http://h/$(LATER)?$(HOST)');
  expect(
    expand(
      '$(A)',
      new Map([
        ['A', '$(B)'],
        ['B', 'b'],
      ]),
    ),
  ).toBe('$(B)');
});
