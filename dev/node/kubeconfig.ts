import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { DevEnvironmentError } from '../errors.ts';

const Kubeconfig = z.object({
  'current-context': z.string(),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(
    z.object({
      name: z.string(),
      cluster: z.object({
        server: z.url(),
        'certificate-authority': z.string().optional(),
        'certificate-authority-data': z.string().optional(),
      }),
    }),
  ),
  users: z.array(
    z.object({
      name: z.string(),
      user: z.object({
        'client-certificate': z.string().optional(),
        'client-certificate-data': z.string().optional(),
        'client-key': z.string().optional(),
        'client-key-data': z.string().optional(),
        token: z.string().optional(),
      }),
    }),
  ),
});

/** Where an API server is and what opens its door. Holds secrets: never log it. */
export interface ApiAccess {
  server: string;
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  token?: string;
}

/**
 * Reads the current context of a kubeconfig: client certificates and tokens, inline or as files beside it. The client
 * library's own reader also knows login plugins, which a stand-in never needs, and costs 85 MB and a second at start.
 * @throws DevEnvironmentError `BadSetting` when the file cannot be read or its current context is incomplete.
 */
export function readKubeconfig(path: string): ApiAccess {
  try {
    const config = Kubeconfig.parse(parse(readFileSync(path, 'utf8')));
    const context = named(config.contexts, config['current-context'], 'context').context;
    const { cluster } = named(config.clusters, context.cluster, 'cluster');
    const { user } = named(config.users, context.user, 'user');
    const material = (data: string | undefined, file: string | undefined) =>
      data !== undefined
        ? Buffer.from(data, 'base64')
        : file !== undefined
          ? readFileSync(resolve(dirname(path), file))
          : undefined;
    const ca = material(cluster['certificate-authority-data'], cluster['certificate-authority']);
    const cert = material(user['client-certificate-data'], user['client-certificate']);
    const key = material(user['client-key-data'], user['client-key']);
    return {
      server: cluster.server,
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(user.token !== undefined && { token: user.token }),
    };
  } catch (cause) {
    throw new DevEnvironmentError(
      'BadSetting',
      `The kubeconfig ${path} cannot be used: name the file that the control plane wrote (--kubeconfig).`,
      { cause },
    );
  }
}

function named<T extends { name: string }>(items: T[], name: string, kind: string): T {
  const found = items.find((item) => item.name === name);
  if (!found) throw new Error(`no ${kind} is called ${JSON.stringify(name)}`);
  return found;
}
