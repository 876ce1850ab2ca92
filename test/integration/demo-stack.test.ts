import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endpointsFile } from '../../dev/demo/endpoints.ts';
import { playScript } from '../../dev/demo/script.ts';
import { createView } from '../../dev/demo/view.ts';
import { recordOf } from '../../dev/process-record.ts';
import { CATALOGUE } from '../../src/metrics/catalogue.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { aVideoJob } from '../support/videojob.ts';
import { waitFor } from '../support/wait.ts';

const run = promisify(execFile);
const silent = createView(() => undefined);

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
}, 180_000);

afterAll(async () => {
  await stack?.erase();
}, 60_000);

function play(firstChat: number) {
  const { telegram, databaseUrl } = stack.endpoints();
  return playScript({ telegram, databaseUrl, view: silent, firstChat });
}

/** The real kubectl as a user of the demo; what it wrote, also when it failed. */
async function kubectl(kubeconfig: string, ...args: string[]): Promise<string> {
  const { kubectl: program } = stack.controlPlane.binaries;
  const answer = await run(program, [`--kubeconfig=${kubeconfig}`, ...args]).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return `${answer.stdout}${answer.stderr}`.trim();
}

describe('bot and controller run with the rights of the chart', () => {
  const ask = (who: 'bot' | 'controller', ...what: string[]) =>
    kubectl(join(stack.directory, `${who}.kubeconfig`), 'auth', 'can-i', ...what);

  test('the bot may post and patch VideoJobs, and neither delete them nor write their status nor see anything else', async () => {
    expect(await ask('bot', 'create', 'videojobs')).toBe('yes');
    expect(await ask('bot', 'patch', 'videojobs')).toBe('yes');
    expect(await ask('bot', 'delete', 'videojobs')).toBe('no');
    expect(await ask('bot', 'patch', 'videojobs', '--subresource=status')).toBe('no');
    expect(await ask('bot', 'get', 'jobs')).toBe('no');
    expect(await ask('bot', 'get', 'secrets')).toBe('no');
    expect(await ask('bot', 'create', 'videojobs', '--namespace=default')).toBe('no');
  });

  test('the controller may work on VideoJobs, Jobs and its lease, and not read Secrets nor place orders', async () => {
    expect(await ask('controller', 'patch', 'videojobs', '--subresource=status')).toBe('yes');
    expect(await ask('controller', 'create', 'jobs')).toBe('yes');
    expect(await ask('controller', 'update', 'leases', '--namespace=neurocards')).toBe('yes');
    expect(await ask('controller', 'create', 'videojobs')).toBe('no');
    expect(await ask('controller', 'get', 'secrets')).toBe('no');
    expect(await ask('controller', 'list', 'secrets', '--all-namespaces')).toBe('no');
    expect(await ask('controller', 'create', 'pods')).toBe('no');
  });

  test('nobody else creates a VideoJob, whatever their role allows', async () => {
    const editor = join(stack.directory, 'editor.kubeconfig');
    await stack.controlPlane.writeKubeconfigFor('an-editor', ['editors'], editor);
    const { kubeconfig } = stack.controlPlane;
    const rules = ['--verb=get,list,create,patch,update', '--resource=videojobs.neurocards.io'];
    await kubectl(kubeconfig, 'create', 'role', 'editor', ...rules);
    await kubectl(kubeconfig, 'create', 'rolebinding', 'editor', '--role=editor', '--group=editors');
    const file = join(stack.directory, 'by-hand.json');
    writeFileSync(file, JSON.stringify(aVideoJob()));
    const words = await waitFor(
      async () => {
        const said = await kubectl(editor, 'create', '--filename', file);
        return said.includes('ValidatingAdmissionPolicy') && said;
      },
      { what: 'the refusal by the policy' },
    );
    expect(words).toContain('VideoJobs are created by the bot alone');
  });
});

type Samples = ReadonlyMap<string, number>;

/** Every sample that bot and controller serve now, by its name and labels. */
async function scrape(): Promise<{ text: string; samples: Samples }> {
  const { metrics } = stack.endpoints();
  const texts = await Promise.all(
    [...metrics.bot, ...metrics.controller].map(async (url) => (await fetch(url)).text()),
  );
  const samples = new Map<string, number>();
  for (const line of texts.join('\n').split('\n')) {
    const [, name, value] = /^([^#\s]\S*(?: \S+)*) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) samples.set(name, (samples.get(name) ?? 0) + Number(value));
  }
  return { text: texts.join('\n'), samples };
}

function sum(samples: Samples, pattern: RegExp): number {
  let total = 0;
  for (const [name, value] of samples) if (pattern.test(name)) total += value;
  return total;
}

describe('bot and controller, seen from outside', () => {
  test('they answer /livez and /readyz', async () => {
    for (const url of Object.values(stack.endpoints().metrics).flat()) {
      for (const path of ['livez', 'readyz']) {
        const response = await fetch(url.replace('metrics', path));
        expect([path, response.status, (await response.text()).trim().split('\n').at(-1)]).toEqual([path, 200, 'ok']);
      }
    }
  });

  test('between them they serve every metric of the reference', async () => {
    const { text } = await scrape();
    const missing = Object.keys(CATALOGUE).filter((name) => !text.includes(`# TYPE ${name} `));
    expect(missing).toEqual([]);
  });

  test('three orders move what they should move', async () => {
    const before = (await scrape()).samples;
    const open: number[] = [];
    const playing = play(7_000_000);
    const look = waitFor(
      async () => {
        const { samples } = await scrape();
        open.push(samples.get('neurocards_order_oldest_open_seconds{stage="generation"}') ?? 0);
        return (open.at(-1) ?? 0) > 0 && samples.get('neurocards_orders_open{stage="generation"}') === 1;
      },
      { what: 'an order open in generation', within: 120_000 },
    );
    await Promise.all([playing, look]);
    const after = await waitFor(
      async () => {
        const { samples } = await scrape();
        return samples.get('neurocards_videojobs{reason="VideoDelivered"}') === 2 && samples;
      },
      { what: 'the end in the status of both' },
    );
    const moved = (pattern: RegExp): number => sum(after, pattern) - sum(before, pattern);
    expect(after.get('neurocards_videojobs{reason="ContentRejected"}')).toBe(1);
    expect(moved(/^neurocards_orders_settled\{outcome="captured",reason="VideoDelivered"\}/)).toBe(2);
    expect(moved(/^neurocards_orders_settled\{outcome="released",reason="ContentRejected"\}/)).toBe(1);
    expect(moved(/^neurocards_attempts\{state="succeeded"\}/)).toBe(2);
    expect(moved(/^neurocards_deliveries\{state="shown"\}/)).toBe(2);
    expect(moved(/^neurocards_relay_posts_total\{result="created"\}/)).toBe(3);
    expect(moved(/^neurocards_runner_requests\{target="provider",operation="submit",class="ok"\}/)).toBe(3);
    expect(moved(/^neurocards_runner_requests\{target="telegram".*class="ok"\}/)).toBe(2);
    expect(moved(/^neurocards_telegram_requests_total\{.*class="ok"/)).toBeGreaterThan(10);
    expect(moved(/^workqueue_adds_total\{name="videojobs"\}/)).toBeGreaterThan(10);
    expect(moved(/^workqueue_work_duration_seconds_count\{name="videojobs"\}/)).toBeGreaterThan(10);
    expect(moved(/^neurocards_events_total\{result="recorded"\}/)).toBeGreaterThan(10);
    expect(sum(after, /^neurocards_ledger_violations/)).toBe(0);
    expect(sum(after, /^neurocards_order_oldest_(open|unsettled)_seconds/)).toBe(0);
  }, 240_000);
});

const parts = [
  ...['etcd', 'kube-apiserver', 'kube-controller-manager', 'postgres'],
  ...['node', 'telegram', 'bot', 'controller'],
];

describe('what dies is started again', () => {
  const listed = (name: string): number | undefined =>
    endpointsFile.parse(JSON.parse(readFileSync(join(stack.directory, 'endpoints.json'), 'utf8'))).processes[name]?.[0]
      ?.pid;

  test.each(parts)(
    '%s, and the file of addresses names its new process',
    async (name) => {
      const before = listed(name);
      if (before === undefined) throw new Error(`${name} does not run`);
      process.kill(before, 'SIGKILL');
      const after = await waitFor(
        () => {
          const pid = listed(name);
          return pid !== undefined && pid !== before && pid;
        },
        { what: `another ${name}`, within: 60_000 },
      );
      expect(recordOf(after)).toBeDefined();
    },
    90_000,
  );

  test('and then orders go through again', async () => {
    const { metrics } = stack.endpoints();
    await waitFor(
      async () => {
        const urls = Object.values(metrics).flat();
        const answers = await Promise.all(urls.map((url) => fetch(url.replace('metrics', 'readyz'))));
        return answers.every(({ ok }) => ok);
      },
      { what: 'bot and controller to be ready', within: 90_000 },
    );
    const played = await play(7_100_000);
    expect(played).toHaveLength(3);
    expect(existsSync(join(stack.directory, 'endpoints.json'))).toBe(true);
  }, 240_000);
});
