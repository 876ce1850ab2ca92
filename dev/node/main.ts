import { parseArgs } from 'node:util';
import { DevEnvironmentError } from '../errors.ts';
import { ApiError } from './api.ts';
import { type RunningNode, startNode } from './node.ts';

const USAGE = `Runs a stand-in for a kubelet: registers a Node, binds waiting Pods to it and runs them as local processes.

  node --import ./dev/guard.mjs dev/node/main.ts --kubeconfig FILE --directory DIR [options]

  --kubeconfig FILE      of the control plane (default: KUBECONFIG)
  --directory DIR        the node's own: records, files and logs of its pods; a restart takes up what is there
  --name NAME            of the Node (default: dev-node)
  --namespace NAME       take only pods of this namespace; may be repeated (default: all namespaces)
  --image NAME=CHECKOUT  an image repository and the checkout that stands in for it; may be repeated
                         (default: neurocards and this checkout)
  --runner-bundle FILE   what neurocards-runner runs (default: dist/runner.mjs of the image's checkout)
  --shutdown-seconds N   how long pods may go on after SIGTERM of the node, whatever their own grace (default: 30)

SIGTERM or Ctrl-C ends the pods and reports them; a second signal ends at once.`;

/** A terminal and npm may both pass on one Ctrl-C; only a signal after this time is a second one. */
const SECOND_SIGNAL_AFTER_MS = 500;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      directory: { type: 'string' },
      name: { type: 'string' },
      namespace: { type: 'string', multiple: true },
      image: { type: 'string', multiple: true },
      'runner-bundle': { type: 'string' },
      'shutdown-seconds': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const shutdownSeconds = secondsOf(values['shutdown-seconds']);
  let node: RunningNode | undefined;
  const stop = nextStop(() => node?.kill());
  const starting = startNode({
    kubeconfig: required(values.kubeconfig ?? process.env['KUBECONFIG'], '--kubeconfig'),
    directory: required(values.directory, '--directory'),
    ...(values.name !== undefined && { name: values.name }),
    ...(values.namespace && { namespaces: values.namespace }),
    ...(values.image && { images: Object.fromEntries(values.image.map(imageOf)) }),
    ...(values['runner-bundle'] !== undefined && { runnerBundle: values['runner-bundle'] }),
    log: (message) => console.log(`${new Date().toISOString()} ${message}`),
  });
  node = await Promise.race([starting, stop]);
  // Stopped while it waited for the API server: there is nothing to end and nobody to tell.
  if (!node) process.exit(0);
  await stop;
  await node.close(shutdownSeconds);
}

function nextStop(onSecond: () => void): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let first: number | undefined;
  const heard = () => {
    if (first !== undefined && Date.now() - first > SECOND_SIGNAL_AFTER_MS) {
      onSecond();
      process.exit(1);
    }
    first ??= Date.now();
    resolve(undefined);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, heard);
  return promise;
}

function required(value: string | undefined, option: string): string {
  if (value !== undefined && value !== '') return value;
  throw new DevEnvironmentError('BadSetting', `${option} is missing: see --help.`);
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined || /^\d+$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new DevEnvironmentError('BadSetting', `--shutdown-seconds must be a whole number and is ${text}: correct it.`);
}

function imageOf(text: string): [string, string] {
  const [name = '', path = '', ...more] = text.split('=');
  if (name !== '' && path !== '' && more.length === 0) return [name, path];
  throw new DevEnvironmentError(
    'BadSetting',
    `--image must be NAME=CHECKOUT and is ${JSON.stringify(text)}: correct it.`,
  );
}

main().catch((error: unknown) => {
  console.error(error instanceof DevEnvironmentError || error instanceof ApiError ? error.message : error);
  process.exit(1);
});
