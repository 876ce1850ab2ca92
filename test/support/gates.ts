import { join } from 'node:path';
import { jobsNamespace } from '../../dev/demo/cluster.ts';
import { databaseName } from '../../dev/demo/database.ts';
import type { DemoPorts } from '../../dev/demo/ports.ts';
import type { StackOptions } from '../../dev/demo/stack.ts';
import { type Boundary, EffectBoard, type Maker } from './effect-board.ts';
import { type HttpGate, openHttpGate } from './http-gate.ts';
import { type KubeGate, openKubeGate } from './kube-gate.ts';
import { openPostgresGate, type PostgresGate } from './postgres-gate.ts';

/** Every way out of every process of ours, each through a gate. */
export interface Gates {
  readonly board: EffectBoard;
  readonly kube: { readonly bot: KubeGate; readonly controller: KubeGate };
  readonly postgres: Readonly<Record<Maker, PostgresGate>>;
  readonly env: NonNullable<StackOptions['extraEnv']>;
  close(): Promise<void>;
}

/** Opens them for a system that will stand in this directory, on these ports. */
export async function openGates({ directory, ports }: { directory: string; ports: DemoPorts }): Promise<Gates> {
  const board = new EffectBoard();
  const http = (boundary: Boundary, maker: Maker, port: number): Promise<HttpGate> =>
    openHttpGate({
      ...{ board, boundary, maker },
      upstream: () => ({ url: `http://127.0.0.1:${port}` }),
      operationOf: operations[boundary](),
    });
  const kube = (maker: 'bot' | 'controller'): Promise<KubeGate> => {
    const real = join(directory, `${maker}.kubeconfig`);
    const through = join(directory, `${maker}-gate.kubeconfig`);
    return openKubeGate(board, maker, { real, through, namespace: jobsNamespace });
  };
  const postgres = (maker: Maker): Promise<PostgresGate> => openPostgresGate(board, maker, () => ports.postgres);
  const [botKube, controllerKube, botSql, controllerSql, generateSql, deliverSql] = await Promise.all([
    kube('bot'),
    kube('controller'),
    postgres('bot'),
    postgres('controller'),
    postgres('generate'),
    postgres('deliver'),
  ]);
  const [botTelegram, deliverTelegram, generateKie, controllerKie, completions] = await Promise.all([
    http('telegram', 'bot', ports.telegram),
    http('telegram', 'deliver', ports.telegram),
    http('kie', 'generate', ports.kie),
    http('kie', 'controller', ports.kie),
    http('completions', 'generate', ports.completions),
  ]);
  const url = (gate: PostgresGate, role: string): string =>
    gate.urlOf(`postgres://${role}@127.0.0.1:1/${databaseName}`);
  const kie = (gate: HttpGate) => ({ NEUROCARDS_KIE_BASE_URL: gate.url, NEUROCARDS_KIE_UPLOAD_URL: gate.url });
  const all = [
    ...[botKube, controllerKube, botSql, controllerSql, generateSql, deliverSql],
    ...[botTelegram, deliverTelegram, generateKie, controllerKie, completions],
  ];
  return {
    board,
    kube: { bot: botKube, controller: controllerKube },
    postgres: { bot: botSql, controller: controllerSql, generate: generateSql, deliver: deliverSql },
    env: {
      bot: {
        KUBECONFIG: botKube.kubeconfig,
        NEUROCARDS_DATABASE_URL: url(botSql, 'bot'),
        NEUROCARDS_TELEGRAM_API_ROOT: botTelegram.url,
      },
      controller: {
        KUBECONFIG: controllerKube.kubeconfig,
        NEUROCARDS_DATABASE_URL: url(controllerSql, 'controller'),
        ...kie(controllerKie),
      },
      generate: {
        NEUROCARDS_DATABASE_URL: url(generateSql, 'runner'),
        NEUROCARDS_PROMPTER_BASE_URL: completions.url,
        ...kie(generateKie),
      },
      deliver: {
        NEUROCARDS_DATABASE_URL: url(deliverSql, 'runner'),
        NEUROCARDS_TELEGRAM_API_ROOT: deliverTelegram.url,
      },
    },
    async close() {
      await Promise.all(all.map((gate) => gate.close()));
    },
  };
}

const lastPart = (url: URL): string => url.pathname.split('/').at(-1) ?? '';

const operations: Record<Boundary, () => (method: string, url: URL, body: string) => string> = {
  api: () => (method, url) => `${method} ${url.pathname}`,
  postgres: () => () => 'postgres',
  completions: () => () => 'completions',
  kie: () => (_, url) => {
    if (url.pathname.startsWith('/files/')) return url.pathname.includes('/results/') ? 'download' : 'photo';
    return url.pathname.includes('upload') ? 'upload' : lastPart(url);
  },
  telegram: () => {
    let confirmed = '';
    return (_, url, body) => {
      if (url.pathname.startsWith('/file/')) return 'download';
      if (lastPart(url) !== 'getUpdates') return lastPart(url);
      // A poll from a later offset confirms what came before it.
      const offset = /"offset":(\d+)/.exec(body)?.[1] ?? '0';
      const isConfirming = offset !== '0' && offset !== confirmed;
      confirmed = offset;
      return isConfirming ? 'getUpdates confirm' : 'getUpdates';
    };
  },
};
