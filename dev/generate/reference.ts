import { z } from 'zod';
import { adminEnvironment } from '../../src/admin/config.ts';
import { botEnvironment } from '../../src/bot/config.ts';
import { isSecret } from '../../src/config/pieces.ts';
import { controllerEnvironment } from '../../src/controller/config.ts';
import { CATALOGUE, type MetricDefinition } from '../../src/metrics/catalogue.ts';
import { deliverEnvironment, generateEnvironment } from '../../src/runner/config.ts';
import { CAPTURE_MEANINGS, FAILURE_MEANINGS } from '../../src/videojob/reasons.ts';

const WRITTEN = (source: string): string =>
  `<!-- Written by \`npm run generate\` from ${source}. Change it there. -->\n`;

const PROCESSES: readonly (readonly [string, z.ZodObject, string])[] = [
  ['neurocards bot', botEnvironment, 'src/bot/config.ts'],
  ['neurocards controller', controllerEnvironment, 'src/controller/config.ts'],
  ['neurocards admin', adminEnvironment, 'src/admin/config.ts'],
  ['neurocards-runner generate', generateEnvironment, 'src/runner/config.ts'],
  ['neurocards-runner deliver', deliverEnvironment, 'src/runner/config.ts'],
];

/** What each process is told by its environment, made from the schemas that read it. */
export const environmentReference = {
  file: 'docs/reference/environment.md',
  text: async (): Promise<string> =>
    [
      `${WRITTEN('the config.ts of each process')}`,
      '# Environment',
      '',
      'Every setting of every process. A process that lacks one says so at its start, all of them at once. A secret may instead lie in a',
      'file that `NAME_FILE` names.',
      '',
      '`neurocards migrate` takes one setting: `NEUROCARDS_DATABASE_URL`, of a role that may make roles and schemas, or of the role `owner`.',
      ...PROCESSES.flatMap(([command, schema, source]) => [
        '',
        `## \`${command}\``,
        '',
        `From \`${source}\`.`,
        '',
        ...settings(schema),
      ]),
      '',
    ].join('\n'),
};

function settings(schema: z.ZodObject): string[] {
  const rows = Object.entries(schema.shape).map(([name, field]: [string, unknown]) => {
    const secret = isSecret(field) ? ' (secret)' : '';
    return `| \`${name}\`${secret} | ${cell(descriptionOf(field))} | ${without(field)} |`;
  });
  return ['| Setting | Set it to | Without it |', '|---|---|---|', ...rows];
}

/** What the process does when the setting is absent. */
function without(field: unknown): string {
  if (!(field instanceof z.ZodType)) return '';
  const read = field.safeParse(undefined);
  if (!read.success) return 'it does not start';
  const value: unknown = read.data;
  if (value === undefined) return 'none';
  const address = z.object({ host: z.string(), port: z.number() }).safeParse(value);
  if (address.success) return `\`${address.data.host}:${address.data.port}\``;
  return `\`${z.union([z.string(), z.number(), z.boolean()]).parse(value)}\``;
}

function descriptionOf(field: unknown): string {
  if (!(field instanceof z.ZodType)) return '';
  if (field.description !== undefined) return field.description;
  const inner = field instanceof z.ZodDefault || field instanceof z.ZodOptional ? field.unwrap() : undefined;
  return inner === undefined ? '' : descriptionOf(inner);
}

/** Every metric, made from the table they are declared in. */
export const metricsReference = {
  file: 'docs/reference/metrics.md',
  text: async (): Promise<string> => {
    const rows = Object.entries<MetricDefinition>(CATALOGUE).map(
      ([name, { type, help, labels }]) => `| \`${name}\` | ${type} | ${cell(labelsOf(labels))} | ${cell(help)} |`,
    );
    return [
      `${WRITTEN('src/metrics/catalogue.ts')}`,
      '# Metrics',
      '',
      'Bot and controller serve them at `/metrics`. What runner pods do is counted from their rows, by the controller.',
      '',
      '| Metric | Type | Labels | Tells |',
      '|---|---|---|---|',
      ...rows,
      '',
    ].join('\n');
  },
};

function labelsOf(labels: MetricDefinition['labels']): string {
  return Object.entries(labels)
    .map(([label, values]) => (values === 'open' ? `\`${label}\`` : `\`${label}\`: ${values.join(', ')}`))
    .join('; ');
}

/** Every reason an order ends with, made from their declaration. */
export const reasonsReference = {
  file: 'docs/reference/reasons.md',
  text: async (): Promise<string> => {
    const table = (meanings: Readonly<Record<string, string>>): string[] => [
      '| Reason | Means |',
      '|---|---|',
      ...Object.entries(meanings).map(([reason, meaning]) => `| \`${reason}\` | ${cell(meaning)} |`),
    ];
    return [
      `${WRITTEN('src/videojob/reasons.ts')}`,
      '# Reasons',
      '',
      'The reason of the condition `Finished` once it is True; `kubectl get videojobs` shows it as STATUS.',
      '',
      '## Credits captured',
      '',
      ...table(CAPTURE_MEANINGS),
      '',
      '## Credits back',
      '',
      'Except `ClaimRefused`, which never held any.',
      '',
      ...table(FAILURE_MEANINGS),
      '',
    ].join('\n');
  },
};

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
}
