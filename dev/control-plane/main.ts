import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DevEnvironmentError } from '../errors.ts';
import { checkout } from '../places.ts';
import { startControlPlane } from './plane.ts';

const USAGE = `Runs a real Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager) by itself until Ctrl-C.

  node --import ./dev/guard.mjs dev/control-plane/main.ts [--directory DIR] [--port PORT]

  --directory DIR   where its state is kept (default: .test/own-control-plane)
  --port PORT       of kube-apiserver (default: the last one used there, else a free one)
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { directory: { type: 'string' }, port: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const apiServer = values.port === undefined ? undefined : Number(values.port);
  if (apiServer !== undefined && !(Number.isInteger(apiServer) && apiServer > 0 && apiServer < 65_536)) {
    throw new DevEnvironmentError(
      'BadSetting',
      `--port must be a number from 1 to 65535 and is ${values.port}: correct it.`,
    );
  }
  const controlPlane = await startControlPlane({
    directory: resolve(values.directory ?? resolve(checkout, '.test', 'own-control-plane')),
    ports: apiServer === undefined ? {} : { apiServer },
    onProgress: (line) => console.error(line),
  });
  const stopped = Promise.withResolvers<void>();
  controlPlane.onExit(({ name, expected }) => {
    if (expected) return;
    console.error(`${name} died: everything is stopped. Its log is in the directory's logs/.`);
    process.exitCode = 1;
    stopped.resolve();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve());
  console.log(`export KUBECONFIG=${controlPlane.kubeconfig}`);
  await stopped.promise;
  await controlPlane.close();
}

main().catch((error: unknown) => {
  console.error(error instanceof DevEnvironmentError ? error.message : error);
  process.exitCode = 1;
});
