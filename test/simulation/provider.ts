import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { callbackPath } from '../../src/generation/hint.ts';
import {
  type PollResult,
  ProviderError,
  type SubmitRequest,
  type SubmitResult,
  type VideoProvider,
} from '../../src/provider/provider.ts';
import type { Engine } from './engine.ts';
import type { Misdeed } from './luck.ts';
import type { Network } from './network.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';

export const publicUrl = 'https://bot.example';

/** One paid task, in the provider's own books. */
export interface Task {
  readonly taskId: string;
  readonly nonce: string | undefined;
  readonly callbackUrl: string | undefined;
  readonly createdAt: number;
  readonly readyAt: number;
  readonly outcome: 'film' | 'failure' | 'verdict' | 'never';
  /** It denies having ever known it. */
  forgotten: boolean;
}

export type TaskOutcome = Task['outcome'];

const film = readFileSync(join(import.meta.dirname, '../fixtures/film.mp4'));

/** A real film that nobody else's task made: a `free` box at its end names the task. */
export function filmOf(taskId: string): Uint8Array {
  const box = Buffer.alloc(40);
  box.writeUInt32BE(40, 0);
  box.write('free', 4, 'latin1');
  box.write(taskId.padEnd(32, '.'), 8, 'latin1');
  return Buffer.concat([film, box]);
}

/** Which task's film these bytes are. */
export function taskOfFilm(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(bytes.byteLength - 32))
    .toString('latin1')
    .replace(/\.+$/, '');
}

/** The provider: what it was paid for, and what became of it. */
export class Provider {
  readonly tasks: Task[] = [];
  /** Addresses of photos it holds. */
  readonly photos = new Set<string>();
  readonly #engine: Engine;
  readonly #network: Network;
  readonly #random: Random;
  /** How the tasks end that are made from now on, one after the other; the last one for all that follow. */
  readonly #outcomes: TaskOutcome[];
  readonly #onCallback: (task: Task, nonce: string) => void;

  constructor(
    engine: Engine,
    network: Network,
    random: Random,
    outcomes: readonly TaskOutcome[],
    onCallback: (task: Task, nonce: string) => void,
  ) {
    this.#engine = engine;
    this.#network = network;
    this.#random = random;
    this.#outcomes = [...outcomes];
    this.#onCallback = onCallback;
  }

  make({ callbackUrl, imageUrl }: Pick<SubmitRequest, 'callbackUrl' | 'imageUrl'>): Task {
    const [drawn = 'film'] = this.#outcomes;
    if (this.#outcomes.length > 1) this.#outcomes.shift();
    // Nothing can be made of a photo that is not there.
    const next = this.photos.has(imageUrl) ? drawn : 'failure';
    const seconds = this.#random.between(3, 20);
    const task: Task = {
      ...{ taskId: `task-${this.tasks.length + 1}-${this.#random.hex(8)}`, callbackUrl, createdAt: this.#engine.now },
      ...{ nonce: callbackUrl?.split('/').at(-1), outcome: next, forgotten: false },
      readyAt: next === 'never' ? Number.POSITIVE_INFINITY : this.#engine.now + seconds * 1000,
    };
    this.tasks.push(task);
    if (next !== 'never') this.#engine.after(seconds * 1000, null, () => this.#callBack(task));
    return task;
  }

  /** Three tries in real life; here one, which may be lost, forged, or come twice. */
  #callBack(task: Task): void {
    const { nonce } = task;
    if (nonce === undefined) return;
    const decision = this.#network.luck.draw('callback', ['lost', 'twice', 'forged']);
    const delay = this.#random.between(5, 2_000);
    const call = (ms: number): void => void this.#engine.after(ms, null, () => this.#onCallback(task, nonce));
    if (decision !== undefined) {
      const { misdeed } = decision;
      const fault = misdeed === 'lost' || misdeed === 'forged' ? misdeed : 'twice';
      this.#network.strike('callback', fault, 'provider', undefined);
      if (misdeed === 'lost') return;
      if (misdeed === 'twice') call(delay + decision.ms);
      // Somebody names another task for this submit: the one made before, or none there is.
      if (misdeed === 'forged') {
        const other = this.tasks.find((one) => one !== task) ?? { ...task, taskId: 'task-nobody-made' };
        this.#engine.after(delay, null, () => this.#onCallback(other, nonce));
      }
    }
    call(delay);
  }

  look(taskId: string): PollResult {
    const task = this.tasks.find((one) => one.taskId === taskId);
    if (task === undefined || task.forgotten) return { kind: 'unseen' };
    if (task.readyAt > this.#engine.now) {
      const isHalfway = this.#engine.now > (task.createdAt + Math.min(task.readyAt, task.createdAt + 8_000)) / 2;
      return { kind: 'running', state: isHalfway ? 'generating' : 'waiting' };
    }
    switch (task.outcome) {
      case 'failure':
        return { kind: 'failed', failure: 'provider-internal', code: '500', providerMessage: 'it failed' };
      case 'verdict':
        return { kind: 'failed', failure: 'user-person', code: '422', providerMessage: 'a person' };
      default:
        return { kind: 'succeeded', urls: [`https://files.example/${taskId}.mp4`] };
    }
  }
}

const asking: readonly Misdeed[] = ['before', 'kill before', 'pause'];

/** The provider as one process of ours reaches it. */
export function providerDoor(network: Network, provider: Provider, process: Process, about?: string): VideoProvider {
  const common = { process, side: 'provider', about } as const;
  const failed = (retryable: boolean, cutShort = false): ProviderError =>
    new ProviderError('provider-internal', 'the file was not read', { retryable, cutShort });
  return {
    name: 'kie',
    uploadPhoto: (_bytes, _mime, name, signal) =>
      network.ask({
        ...{ ...common, effect: 'upload', misdeeds: asking, signal, limitMs: 60_000 },
        perform: () => {
          const url = `https://files.example/${name}`;
          provider.photos.add(url);
          return { url };
        },
        lost: () => ({ error: new ProviderError('provider-busy', 'the photo was not taken') }),
      }),
    submit: (request, signal) =>
      network.ask<SubmitResult>({
        ...{ ...common, effect: 'createTask', signal, limitMs: 60_000 },
        misdeeds: ['before', 'after', 'delayed', 'kill before', 'kill after', 'pause', 'refused', 'busy'],
        perform: () => ({ kind: 'accepted', taskId: provider.make(request).taskId }),
        lost: () => ({ value: { kind: 'unknown', failure: 'ambiguous' } }),
        unsent: () => ({ value: refusal('provider-busy', 1) }),
        instead: ({ misdeed, ms }) => ({
          value:
            misdeed === 'busy'
              ? refusal('provider-rate', 2)
              : refusal(ms % 3 === 0 ? 'user-policy' : 'operator-balance', 5),
        }),
      }),
    poll: (taskId, signal) =>
      network.ask<PollResult>({
        ...{ ...common, effect: 'recordInfo', signal, limitMs: 20_000 },
        misdeeds: ['before', 'kill before', 'pause', 'busy', 'forgotten'],
        perform: () => provider.look(taskId),
        lost: () => ({ value: { kind: 'unavailable', failure: 'provider-internal' } }),
        instead: ({ misdeed, ms }) => {
          const task = provider.tasks.find((one) => one.taskId === taskId);
          // Mostly it does not see it for the moment; sometimes never again.
          if (misdeed === 'forgotten' && task !== undefined && ms % 2 === 0) task.forgotten = true;
          return misdeed === 'forgotten'
            ? { value: { kind: 'unseen' } }
            : { value: { kind: 'unavailable', failure: 'provider-rate', retryAfterSeconds: 3 } };
        },
      }),
    echoesCallback: (taskId, callbackUrl, signal) =>
      network.ask({
        ...{ ...common, effect: 'echo', misdeeds: ['before', 'kill before', 'pause'], signal, limitMs: 20_000 },
        perform: () => {
          const task = provider.tasks.find((one) => one.taskId === taskId);
          if (task === undefined || task.forgotten) return 'unknown';
          return task.callbackUrl === callbackUrl ? 'yes' : 'no';
        },
        lost: () => ({ value: 'unknown' }),
      }),
    download: (url, _maxBytes, signal) =>
      network.ask<Uint8Array>({
        ...{ ...common, effect: 'download', signal, limitMs: 120_000 },
        misdeeds: ['before', 'kill before', 'kill after', 'pause', 'cut'],
        perform: () => filmOf(url.replace('https://files.example/', '').replace('.mp4', '')),
        lost: () => ({ error: failed(true) }),
        instead: () => ({ error: failed(false, true) }),
      }),
  };
}

function refusal(failure: 'provider-busy' | 'provider-rate' | 'user-policy' | 'operator-balance', seconds: number) {
  return {
    ...({ kind: 'refused', failure, certain: true, message: 'no task was made' } as const),
    retryAfterSeconds: seconds,
  };
}

/** The address a submit's callbacks come to. */
export const callbackAddress = `${publicUrl}${callbackPath}`;
