import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createKubeClient } from '../../src/kube/client.ts';
import { DevEnvironmentError } from '../errors.ts';
import { checkout } from '../places.ts';
import { erasePostgres } from '../postgres/server.ts';
import { takeDirectory } from './directory.ts';
import { writeEnvironmentFiles } from './env-files.ts';
import { defaultPortBase, portsFrom } from './ports.ts';
import { countWrites, judge, writeReport } from './report.ts';
import { playScript } from './script.ts';
import { type PartName, partNames, type Stack, startStack } from './stack.ts';
import { createView, type View } from './view.ts';

const help = `npm run demo                     sets everything up, plays three orders, and stays up until Ctrl-C
npm run demo -- --once           ends after the three orders: exit code 0 only if all went as they should
npm run demo -- --reset          forgets the state of earlier runs first
npm run demo -- --only PARTS     starts only these parts (of ${partNames.join(', ')}; telegram, kie and completions
                                 mean stand-ins) and the control plane and PostgreSQL; the others are left to start by
                                 hand, under a debugger, with the files in .demo/env/
npm run demo -- --port-base N    the first of ten ports (${defaultPortBase} otherwise)

State, logs and addresses are in .demo/: logs/, endpoints.json, report.json.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      once: { type: 'boolean' },
      reset: { type: 'boolean' },
      only: { type: 'string' },
      'port-base': { type: 'string', default: String(defaultPortBase) },
    },
  });
  if (values.help === true) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  const directory = join(checkout, '.demo');
  const parts = values.only === undefined ? partNames : partsOf(values.only);
  const release = takeDirectory(directory);
  if (values.reset === true) {
    erasePostgres(join(directory, 'postgres'));
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  const view = createView();
  const stopped = stopSignal();
  view.heading('Neurocards on this machine');
  const stack = await startStack({
    directory,
    ports: await portsFrom(Number(values['port-base'])),
    parts,
    onProgress: (line) => view.note(line),
  });
  try {
    writeEnvironmentFiles(directory, stack.environments);
    view.good('everything runs');
    const code =
      parts.length === partNames.length ? await Promise.race([play(stack, view), stopped.then(() => 130)]) : 0;
    if (values.once === true || code === 130) return code;
    invite(stack, view);
    await stopped;
    return code;
  } finally {
    view.note('stopping');
    await stack.stop();
    release();
  }
}

function partsOf(list: string): PartName[] {
  const standIns = new Set(['telegram', 'kie', 'completions']);
  const named = list.split(',').map((name) => (standIns.has(name.trim()) ? 'stand-ins' : name.trim()));
  const known = partNames.filter((name) => named.includes(name));
  const unknown = named.find((name) => !partNames.some((part) => part === name));
  if (unknown !== undefined) {
    throw new DevEnvironmentError(
      'BadSetting',
      `--only does not know the part "${unknown}": choose of ${partNames.join(', ')}.`,
    );
  }
  return known;
}

async function play(stack: Stack, view: View): Promise<number> {
  const endpoints = stack.endpoints();
  const kube = createKubeClient({ kubeconfig: endpoints.kubeconfig, userAgent: 'neurocards-demo' });
  const writesBefore = await countWrites(kube).finally(() => kube.close());
  const firstChat = 1000 + (Math.floor(Date.now() / 1000) % 100_000_000) * 10;
  const played = await playScript({
    telegram: endpoints.telegram,
    databaseUrl: endpoints.databaseUrl,
    view,
    firstChat,
  });
  const report = await writeReport(stack.endpoints(), played, writesBefore);
  writeFileSync(join(stack.directory, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  view.heading('kubectl get videojobs');
  spawnSync(
    stack.controlPlane.binaries.kubectl,
    [`--kubeconfig=${endpoints.kubeconfig}`, '-n', endpoints.namespace, 'get', 'videojobs'],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  view.heading('Report (.demo/report.json)');
  for (const order of report.orders) {
    const seconds = (value: number | null): string => (value === null ? '-' : `${value} s`);
    view.note(
      `${order.order}  ${order.outcome}, ${order.credits}; tap to createTask ${seconds(order.secondsTapToCreateTask)}, ` +
        `provider done to chat ${seconds(order.secondsProviderDoneToChat)}`,
    );
  }
  const { granted, held, captured, available } = report.ledger;
  view.note(`ledger: granted ${granted}, held ${held}, captured ${captured}, available ${available}`);
  view.note(`writes to the API server per VideoJob: ${report.apiWritesPerVideoJob}`);
  const problems = judge(report, played);
  for (const problem of problems) view.bad(problem);
  if (problems.length === 0) view.good('all three orders went as they should');
  return problems.length === 0 ? 0 : 1;
}

function invite(stack: Stack, view: View): void {
  const { chat, kubeconfig } = stack.endpoints();
  view.heading('Try it');
  view.note(`chat page            ${chat}`);
  view.note(`kubectl              npm run kubectl -- get videojobs -n ${stack.endpoints().namespace}`);
  view.note(`kubeconfig           export KUBECONFIG=${kubeconfig}`);
  view.note('who waits and why    npm run admin -- order show ORDER');
  view.note('kill something       the pids are in .demo/endpoints.json; it comes back, and no order is lost');
  view.note('Ctrl-C stops everything; the state stays for the next start (--reset forgets it)');
}

/** A terminal and npm may both pass on one Ctrl-C: only a signal after half a second means "at once". */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const heard = (): void => {
      if (first === undefined) first = Date.now();
      else if (Date.now() - first > 500) process.exit(130);
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, heard);
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = error instanceof DevEnvironmentError;
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}
