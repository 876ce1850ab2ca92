import { z } from 'zod';

/** The part of a JSON Schema that structured answers use. */
export type JsonSchema = {
  type?: string | string[] | undefined;
  enum?: unknown[] | undefined;
  const?: unknown;
  properties?: Record<string, JsonSchema> | undefined;
  items?: JsonSchema | undefined;
  anyOf?: JsonSchema[] | undefined;
  minimum?: number | undefined;
  minItems?: number | undefined;
  maxLength?: number | undefined;
};

export const jsonSchema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.object({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    properties: z.record(z.string(), jsonSchema).optional(),
    items: jsonSchema.optional(),
    anyOf: z.array(jsonSchema).optional(),
    minimum: z.number().optional(),
    minItems: z.number().optional(),
    maxLength: z.number().optional(),
  }),
);

/**
 * An answer in the schema asked for: `text` in strings, and otherwise the plainest value that is allowed (false, the minimum,
 * an empty list, null where null is allowed). The same question gets the same answer.
 */
export function answerIn(schema: JsonSchema, text: string, name = ''): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum.includes(null) ? null : schema.enum[0];
  if (schema.anyOf !== undefined) {
    const nullable = schema.anyOf.some((option) => option.type === 'null');
    return nullable ? null : answerIn(schema.anyOf[0] ?? {}, text, name);
  }
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  if (types.includes('null')) return null;
  if (types.includes('object')) {
    const entries = Object.entries(schema.properties ?? {});
    return Object.fromEntries(entries.map(([key, value]) => [key, answerIn(value, text, key)]));
  }
  if (types.includes('array')) {
    return Array.from({ length: schema.minItems ?? 0 }, () => answerIn(schema.items ?? {}, text, name));
  }
  if (types.includes('boolean')) return false;
  if (types.includes('integer') || types.includes('number')) return schema.minimum ?? 0;
  return (/language/i.test(name) ? 'en' : text).slice(0, schema.maxLength ?? text.length);
}
