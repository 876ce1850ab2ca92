import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent } from 'node:https';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { lines } from '../../src/kube/watch.ts';
import { ORDER_LABEL } from '../../src/videojob/names.ts';
import type { EffectBoard, Maker } from './effect-board.ts';
import { fetchText, openHttpGate, openUpstream, type Upstream } from './http-gate.ts';

const watchEvent = z.looseObject({
  type: z.string(),
  object: z.looseObject({
    metadata: z
      .looseObject({ name: z.string(), resourceVersion: z.string(), deletionTimestamp: z.string() })
      .partial()
      .optional(),
    status: z
      .looseObject({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })) })
      .partial()
      .optional(),
  }),
});

/** One event of a watch, on its way to the one who watches. */
export interface Notification {
  readonly resource: string;
  readonly type: string;
  readonly name: string;
  /** What it tells, without versions and times: whether it is being deleted, and its conditions. */
  readonly tells: string;
}

export type WatchVerdict =
  | 'deliver'
  /** It never comes. */
  | 'swallow'
  /** The watch ends with 410 Gone instead, as after a compaction. */
  | 'gone';
/** Decides about an event; undefined when it is none of its business. */
export type WatchGuard = (notification: Notification) => Promise<WatchVerdict> | WatchVerdict | undefined;

export interface KubeGate {
  /** The path of the kubeconfig that leads through the gate. */
  readonly kubeconfig: string;
  readonly witnesses: Set<(notification: Notification) => void>;
  readonly watchGuards: Set<WatchGuard>;
  /**
   * From now on LISTs of these resources are answered from what was recorded, and their watches stay silent; writes go through. Answers
   * true once each of them was listed, and false when it was thawed before.
   */
  freeze(lists: ReadonlyMap<string, string>): Promise<boolean>;
  /** Ends the silent watches, so that they are resumed. */
  thaw(): void;
  /**
   * From now on LISTs and watches go to another API server, everything else where it went. With `cached` a LIST takes what that server
   * has in its memory, as clients ask that spare etcd; otherwise it asks for the newest, as ours does. Without an address all is as before.
   */
  readFrom(other: { readonly url: string; readonly cached: boolean } | undefined): void;
  /** A LIST of another API server's memory, whatever this client reads from. */
  cacheOf(url: string, resource: 'videojobs' | 'jobs'): Promise<string>;
  /** Breaks every watch. */
  cutWatches(): void;
  /** The LISTs as they are now, by resource, for `freeze`. */
  record(): Promise<ReadonlyMap<string, string>>;
  close(): Promise<void>;
}

const credentials = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string() }) }),
  ]),
  users: z.tuple([
    z.object({ user: z.object({ 'client-certificate-data': z.string(), 'client-key-data': z.string() }) }),
  ]),
});

/**
 * Stands before the API server for one client, whose certificate it shows there. Understands list, watch, get and write by resource
 * and name.
 * @param real the client's own kubeconfig; read at the first call, because it may be written later
 */
export async function openKubeGate(
  board: EffectBoard,
  maker: Maker,
  { real, through, namespace }: { real: string; through: string; namespace: string },
): Promise<KubeGate> {
  let known: Upstream | undefined;
  const upstream = (): Upstream => (known ??= upstreamOf(real));
  const witnesses = new Set<(notification: Notification) => void>();
  const watchGuards = new Set<WatchGuard>();
  const watches = new Set<ServerResponse>();
  let frozen: ReadonlyMap<string, string> | undefined;
  const unlisted = new Set<string>();
  let believed: (isListed: boolean) => void = () => undefined;
  let readsFrom: { readonly url: string; readonly cached: boolean } | undefined;
  const readUpstream = (): Upstream => ({ ...upstream(), ...(readsFrom === undefined ? {} : { url: readsFrom.url }) });

  async function takeOver(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const url = new URL(request.url ?? '/', 'http://gate');
    const { resource, name } = readPath(url.pathname);
    if (request.method !== 'GET' || name !== undefined) return false;
    const old = frozen?.get(resource);
    const isWatch = url.searchParams.get('watch') === 'true';
    if (old !== undefined && !isWatch) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(old);
      if (unlisted.delete(resource) && unlisted.size === 0) believed(true);
      return true;
    }
    if (!isWatch && readsFrom === undefined) return false;
    if (!isWatch) {
      await listElsewhere(url, response);
      return true;
    }
    watches.add(response);
    response.once('close', () => watches.delete(response));
    if (old === undefined) await pipeWatch(request, response, resource);
    else response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    return true;
  }

  async function listElsewhere(url: URL, response: ServerResponse): Promise<void> {
    if (readsFrom?.cached === true) url.searchParams.set('resourceVersion', '0');
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const list = await fetchText(readUpstream(), `${url.pathname}${url.search}`, gone.signal);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(list);
  }

  async function pipeWatch(request: IncomingMessage, response: ServerResponse, resource: string): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const sent = openUpstream(readUpstream(), request, gone.signal);
    sent.once('error', () => response.destroy());
    const answer = await new Promise<IncomingMessage>((resolve) => {
      sent.once('response', resolve);
      sent.end();
    });
    response.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
    response.flushHeaders();
    try {
      for await (const line of lines(answer)) {
        const verdict = await judge(resource, line);
        if (verdict === 'gone') {
          response.end(`${JSON.stringify({ type: 'ERROR', object: expired })}\n`);
          return;
        }
        if (verdict === 'deliver') response.write(`${line}\n`);
      }
      response.end();
    } catch {
      response.destroy();
    }
  }

  async function judge(resource: string, line: string): Promise<WatchVerdict> {
    const event = watchEvent.safeParse(JSON.parse(line)).data;
    if (event === undefined || event.type === 'BOOKMARK' || event.type === 'ERROR') return 'deliver';
    const { metadata, status } = event.object;
    const conditions = (status?.conditions ?? []).map((one) => `${one.type}=${one.status}`);
    const notification = {
      resource,
      type: event.type,
      name: metadata?.name ?? '',
      tells: [metadata?.deletionTimestamp === undefined ? '' : 'deleting', ...conditions].filter(Boolean).join(' '),
    };
    for (const witness of witnesses) witness(notification);
    for (const guard of watchGuards) {
      const verdict = await guard(notification);
      if (verdict !== undefined) return verdict;
    }
    return 'deliver';
  }

  const gate = await openHttpGate({ board, boundary: 'api', maker, upstream, takeOver, operationOf: apiOperation });
  writeFileSync(through, plainKubeconfig(gate.url, namespace), { mode: 0o600 });
  const endWatches = (): void => {
    for (const response of watches) response.destroy();
  };
  return {
    kubeconfig: through,
    witnesses,
    watchGuards,
    record: () => recordLists(upstream(), namespace),
    freeze: (old) => {
      frozen = old;
      for (const resource of old.keys()) unlisted.add(resource);
      endWatches();
      return new Promise((resolve) => {
        believed = resolve;
      });
    },
    thaw: () => {
      frozen = undefined;
      unlisted.clear();
      believed(false);
      endWatches();
    },
    readFrom: (other) => {
      readsFrom = other;
      endWatches();
    },
    cacheOf: (url, resource) =>
      fetchText(
        { ...upstream(), url },
        `${listPaths(namespace)[resource]}&resourceVersion=0`,
        AbortSignal.timeout(5_000),
      ),
    cutWatches: endWatches,
    async close() {
      endWatches();
      await gate.close();
    },
  };
}

async function recordLists(upstream: Upstream, namespace: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const [resource, path] of Object.entries(listPaths(namespace))) {
    found.set(resource, await fetchText(upstream, path));
  }
  return found;
}

function listPaths(namespace: string): Readonly<Record<'videojobs' | 'jobs', string>> {
  return {
    videojobs: `/apis/neurocards.io/v1alpha1/namespaces/${namespace}/videojobs?`,
    jobs: `/apis/batch/v1/namespaces/${namespace}/jobs?labelSelector=${encodeURIComponent(ORDER_LABEL)}`,
  };
}

const expired = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'too old resource version',
  reason: 'Expired',
  code: 410,
};

/** `POST jobs gen`, `PATCH videojobs/status`, `LIST videojobs`: verb, resource, and of a Job its stage; no names. */
function apiOperation(method: string, url: URL, body: string): string {
  const { resource, name, subresource } = readPath(url.pathname);
  const verb = method === 'GET' && name === undefined ? 'LIST' : method;
  const stage = resource === 'jobs' ? /vj-[a-z2-7]{12}-(gen|dlv)-/.exec(`${name ?? ''} ${body}`)?.[1] : undefined;
  return [verb, subresource === undefined ? resource : `${resource}/${subresource}`, stage].filter(Boolean).join(' ');
}

function readPath(path: string): { resource: string; name: string | undefined; subresource: string | undefined } {
  const inside = /^\/apis?\/(?:[^/]+\/)?[^/]+\/namespaces\/[^/]+\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path);
  if (inside === null) return { resource: path, name: path, subresource: undefined };
  return { resource: inside[1] ?? '', name: inside[2], subresource: inside[3] };
}

function upstreamOf(kubeconfig: string): Upstream {
  const { clusters, users } = credentials.parse(parse(readFileSync(kubeconfig, 'utf8')));
  const { cluster } = clusters[0];
  const { user } = users[0];
  const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
  const agent = new Agent({
    ca: bytes(cluster['certificate-authority-data']),
    cert: bytes(user['client-certificate-data']),
    key: bytes(user['client-key-data']),
    keepAlive: true,
  });
  return { url: cluster.server, agent };
}

function plainKubeconfig(server: string, namespace: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'gate', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'gate', user: {} }],
    contexts: [{ name: 'gate', context: { cluster: 'gate', user: 'gate', namespace } }],
    'current-context': 'gate',
  });
}
