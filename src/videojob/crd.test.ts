import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { videoJobCrd } from './crd.ts';
import { toStructural } from './structural.ts';

const file = join(import.meta.dirname, '../../crds/neurocards.io_videojobs.yaml');

test('the CRD in crds/ is what the schema gives', () => {
  expect(parse(readFileSync(file, 'utf8')), 'run npm run generate').toEqual(JSON.parse(JSON.stringify(videoJobCrd())));
});

test('every field says what it is, and every string and list has a bound', () => {
  const problems: string[] = [];
  const walk = (schema: unknown, path: string): void => {
    const field = z.looseObject({ type: z.string(), description: z.string().optional() }).parse(schema);
    if (field.description === undefined && path !== '.metadata') problems.push(`${path} has no description`);
    const unbounded = field.type === 'string' && !('maxLength' in field) && !('enum' in field);
    if (unbounded && !/^\.(apiVersion|kind)$/.test(path)) problems.push(`${path} has no maxLength`);
    if (field.type === 'array' && !('maxItems' in field)) problems.push(`${path} has no maxItems`);
    if ('additionalProperties' in field) problems.push(`${path} is not structural`);
    for (const [name, child] of Object.entries(z.record(z.string(), z.unknown()).parse(field['properties'] ?? {}))) {
      walk(child, `${path}.${name}`);
    }
    if (field['items'] !== undefined) walk(field['items'], `${path}[]`);
  };
  const version = z
    .object({ versions: z.array(z.object({ schema: z.object({ openAPIV3Schema: z.unknown() }) })) })
    .parse(videoJobCrd().spec).versions[0];
  walk(version?.schema.openAPIV3Schema, '');
  expect(problems).toEqual([]);
});

test('a field with a default is not required', () => {
  const schema = toStructural(z.object({ a: z.boolean().default(false), b: z.boolean() }));
  expect(schema.required).toEqual(['b']);
  expect(schema.properties?.['a']?.default).toBe(false);
});

test('a union is refused by name, because the server would refuse it without one', () => {
  expect(() => toStructural(z.object({ a: z.object({ b: z.union([z.string(), z.int()]) }) }))).toThrow('"a.b"');
});
