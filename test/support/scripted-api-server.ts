import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';

export interface ScriptedApiServer {
  readonly client: KubeClient;
  /** Method and address of every request, in order. */
  readonly requests: string[];
  /** TCP connections that were opened. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Answers one request; the count starts at 0. */
export type Script = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** An HTTP server that answers as told: for what a real API server does only once in a blue moon. */
export async function startScriptedApiServer(
  script: Script,
  load?: (url: string) => KubeConfig,
): Promise<ScriptedApiServer> {
  const requests: string[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    script(request, response, requests.length - 1);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const client = createKubeClient({ userAgent: 'test', load: () => (load ?? plainConfig)(url) });
  return {
    client,
    requests,
    get connections() {
      return connections;
    },
    async close() {
      await client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A kubeconfig without TLS and, unless given, without a token. */
export function plainConfig(server: string, token?: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'scripted', server, skipTLSVerify: true },
    token === undefined ? { name: 'nobody' } : { name: 'somebody', token },
  );
  return config;
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
