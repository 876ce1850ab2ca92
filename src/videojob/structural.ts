import { z } from 'zod';

/** The part of JSON Schema that a CustomResourceDefinition may hold (`JSONSchemaProps` of apiextensions/v1). */
export interface StructuralSchema {
  type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  properties?: Record<string, StructuralSchema>;
  required?: string[];
  items?: StructuralSchema;
  enum?: string[];
  default?: unknown;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  'x-kubernetes-list-type'?: 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: { rule: string; message: string; reason?: string }[];
}

const keywords = z.looseObject({
  type: z.enum(['object', 'array', 'string', 'integer', 'number', 'boolean']),
  description: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  items: z.unknown().optional(),
  enum: z.array(z.string()).optional(),
  default: z.unknown().optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  maxItems: z.number().optional(),
});

const KNOWN = new Set([...Object.keys(keywords.shape), '$schema', 'additionalProperties']);

/**
 * The structural schema of a zod schema, as one must send it. Unlike zod's own JSON Schema it never has
 * `additionalProperties` beside `properties`, `required` for a field with a default, or a composed type; a keyword that it
 * does not know is an error here, not a surprise on the server. Throws TypeError, naming the field.
 */
export function toStructural(schema: z.ZodType): StructuralSchema {
  return convert(z.toJSONSchema(schema, { io: 'input' }), '');
}

function convert(json: unknown, path: string): StructuralSchema {
  const parsed = keywords.safeParse(json);
  if (!parsed.success) {
    throw new TypeError(`The field "${path}" has no simple type, which a CRD needs: describe it without unions.`);
  }
  const from = parsed.data;
  const unknown = Object.keys(from).find((key) => !KNOWN.has(key));
  if (unknown !== undefined) throw new TypeError(`The field "${path}" uses "${unknown}", which a CRD does not know.`);
  const { properties, items, additionalProperties: _closed, $schema: _dialect, pattern, type, ...rest } = from;
  return {
    type,
    ...withoutUndefined(rest),
    // zod's pattern of a date-time is 300 characters of leap years; the server checks the format itself.
    ...(pattern === undefined || from.format === 'date-time' ? {} : { pattern }),
    ...(type === 'integer' ? { format: 'int64' } : {}),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, field]) => [
              name,
              convert(field, path === '' ? name : `${path}.${name}`),
            ]),
          ),
        }),
    ...(items === undefined ? {} : { items: convert(items, `${path}[]`) }),
  };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return JSON.parse(JSON.stringify(value)) as { [K in keyof T]: Exclude<T[K], undefined> };
}
