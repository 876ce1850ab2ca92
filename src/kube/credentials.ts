import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent } from 'undici';

/** How to reach the API server now: address, headers and one pool of connections for this TLS material. */
export interface Connection {
  readonly origin: string;
  /** Path before every API path, for servers behind a proxy such as Rancher. */
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For calls. */
  readonly calls: Agent;
  /** For watches, each with a connection of its own, so that a burst of calls cannot starve one. */
  readonly watches: Agent;
}

export interface Credentials {
  /** The current connection. Files are read again at most every 10 s, as the kubelet rotates tokens and certificates. */
  current(): Promise<Connection>;
  /** Reads everything again at the next use, because the API server answered 401. */
  expire(): void;
  /** Namespace of the kubeconfig's context, or of our own pod. */
  readonly namespace: string | undefined;
  close(): Promise<void>;
}

const REREAD_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 32;

/** Where the API server is: a kubeconfig file, or else KUBECONFIG, the home directory, our service account. */
export function loadKubeConfig(path?: string): KubeConfig {
  const config = new KubeConfig();
  if (path === undefined) config.loadFromDefault();
  else config.loadFromFile(path);
  return config;
}

/**
 * Keeps one pool per TLS material. client-node itself opens a new TLS connection for every call (read in 2.0.1,
 * `config.js`), so only its reading of kubeconfigs and its authentication plugins are used. HTTP/1.1 on purpose: a watch
 * that shares an HTTP/2 connection with a burst also shares its flow control. Throws when the kubeconfig is unusable.
 */
export function createCredentials(load: () => KubeConfig): Credentials {
  let config = load();
  let known: { connection: Connection; material: string; readAt: number } | undefined;
  let reading: Promise<Connection> | undefined;
  let stale = false;

  async function read(): Promise<Connection> {
    if (stale) config = load();
    stale = false;
    const cluster = config.getCurrentCluster();
    if (cluster === null) {
      throw new TypeError(
        'The kubeconfig has no current cluster: set its current-context, or KUBECONFIG to another file.',
      );
    }
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const url = new URL(cluster.server);
    const material = fingerprint(url.origin, options);
    const agents = known?.material === material ? known.connection : createAgents(options);
    if (known !== undefined && agents !== known.connection) retire(known.connection);
    const connection: Connection = {
      origin: url.origin,
      basePath: url.pathname.replace(/\/+$/, ''),
      headers: readHeaders(options),
      calls: agents.calls,
      watches: agents.watches,
    };
    known = { connection, material, readAt: performance.now() };
    return connection;
  }

  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    async current() {
      if (known !== undefined && !stale && performance.now() - known.readAt < REREAD_MS) return known.connection;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    expire() {
      stale = true;
    },
    async close() {
      if (known === undefined) return;
      const { calls, watches } = known.connection;
      await Promise.all([calls.destroy(), watches.destroy()]);
    },
  };
}

function createAgents({ ca, cert, key, passphrase, servername, rejectUnauthorized }: RequestOptions) {
  const connect = {
    timeout: CONNECT_TIMEOUT_MS,
    ...defined({ ca, cert, key, passphrase, servername, rejectUnauthorized }),
  };
  const common = { allowH2: false, connect, keepAliveTimeout: 30_000, keepAliveMaxTimeout: 60_000 };
  return { calls: new Agent({ ...common, connections: MAX_CONNECTIONS }), watches: new Agent(common) };
}

/** Lets running calls and watches of the replaced pools end by themselves. */
function retire({ calls, watches }: Connection): void {
  for (const agent of [calls, watches]) agent.close().catch(() => undefined);
}

function readHeaders(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim();
  }
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  return headers;
}

function fingerprint(origin: string, { ca, cert, key, servername, rejectUnauthorized }: RequestOptions): string {
  // Buffers become arrays of numbers in JSON: unpretty, and different exactly when the material differs.
  const material = JSON.stringify([origin, ca, cert, key, servername, rejectUnauthorized]);
  return createHash('sha256').update(material).digest('hex');
}

function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
