import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { createTestNamespace } from '../support/namespace.ts';

async function one(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ answer: unknown }>(sql);
    return rows[0]?.answer;
  } finally {
    await client.end();
  }
}

test('every test has a migrated database of its own, on PostgreSQL 18', async () => {
  const [left, right] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await one(left.ownerUrl, 'create table mark (id int)');
  expect(await one(left.urlFor('runner'), 'select current_user::text as answer')).toBe('runner');
  const mark = "select to_regclass('mark')::text as answer";
  expect(await one(left.ownerUrl, mark)).toBe('mark');
  expect(await one(right.ownerUrl, mark)).toBeNull();
  expect(await one(left.ownerUrl, 'select current_setting($$server_version_num$$)::int / 10000 as answer')).toBe(18);
});

test('every test has a namespace of its own that refuses unrestricted pods', async () => {
  const { name, kubeconfig } = await createTestNamespace();
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const pod = { metadata: { name: 'root' }, spec: { containers: [{ name: 'root', image: 'neurocards' }] } };
  await expect(config.makeApiClient(CoreV1Api).createNamespacedPod({ namespace: name, body: pod })).rejects.toThrow(
    'violates PodSecurity',
  );
});
