import type { Prompter, WrittenPrompt } from '../../src/prompter/prompter.ts';
import { type ObjectStorage, StorageError } from '../../src/storage/storage.ts';
import type { Network } from './network.ts';
import type { Process } from './process.ts';

/** The volume as one process of ours reaches it. */
export function storageDoor(network: Network, objects: Map<string, Uint8Array>, process: Process): ObjectStorage {
  const unreadable = (): { error: unknown } => ({ error: new StorageError('unreadable', 'the volume is not there') });
  return {
    put: (key, bytes) =>
      network.ask({
        ...{ process, side: 'storage', effect: 'store', limitMs: 60_000 },
        misdeeds: ['before', 'kill before', 'kill after', 'pause'],
        perform: () => void objects.set(key, bytes),
        lost: () => ({ error: new StorageError('unwritable', 'the volume is full') }),
      }),
    get: (key) =>
      network.ask({
        ...{ process, side: 'storage', effect: 'read', limitMs: 60_000 },
        misdeeds: ['before', 'kill before'],
        perform: () => {
          const bytes = objects.get(key);
          if (bytes === undefined) throw new StorageError('not-found', 'no such object');
          return bytes;
        },
        lost: unreadable,
      }),
    stat: () => Promise.resolve(undefined),
    remove: () => Promise.resolve(),
  };
}

/** The writer of prompts; what it says is free and harmless. */
export function prompterDoor(network: Network, process: Process): Prompter {
  return {
    write: ({ productText }, signal) =>
      network.ask<WrittenPrompt>({
        ...{ process, side: 'prompter', effect: 'prompt', signal, limitMs: 30_000 },
        misdeeds: ['before', 'kill before', 'pause'],
        perform: () => ({ prompt: `a film of ${productText}`, source: 'completions' }),
        lost: () => ({ value: { prompt: `a film of ${productText}`, source: 'fallback', reason: 'timeout' } }),
      }),
  };
}
