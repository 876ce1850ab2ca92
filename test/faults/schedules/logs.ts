import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { unclassified } from './log-lines.ts';

/** The logs of bot, controller, their second replicas and all runners of one system, read on from where they were left. */
export class Logs {
  readonly #directory: string;
  readonly #read = new Map<string, number>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What was written since the last time and has no name in the product. */
  news(): string[] {
    return [...files(join(this.#directory, 'logs')), ...files(join(this.#directory, 'node', 'logs'))].flatMap(
      (path) => {
        const name = path.slice(this.#directory.length + 1);
        return this.#linesOf(path).flatMap((line) => {
          const why = unclassified(line);
          return why === undefined ? [] : [`${name}: ${why}`];
        });
      },
    );
  }

  /** Whole lines only: the last one may still be on its way. */
  #linesOf(path: string): string[] {
    const from = this.#read.get(path) ?? 0;
    const text = tail(path, from);
    const whole = text.subarray(0, text.lastIndexOf(10) + 1);
    this.#read.set(path, from + whole.length);
    return whole.toString('utf8').split('\n');
  }
}

/** The stand-ins and the node are no part of the product. */
const others = /^(stand-ins|node)\.log$/;

function files(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true, recursive: true })
      .filter(({ name }) => name.endsWith('.log') && !others.test(name))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  } catch {
    // Nothing has run there yet.
    return [];
  }
}

function tail(path: string, from: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - from));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from));
  } finally {
    closeSync(file);
  }
}
