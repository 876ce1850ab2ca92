import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../dev/demo/ports.ts';
import { type Stack, type StackOptions, startStack } from '../../dev/demo/stack.ts';
import { erasePostgres } from '../../dev/postgres/server.ts';

export interface TestStack extends Stack {
  /** What the stack told while it ran. */
  lines: readonly string[];
  /** Stops everything and removes what it kept. */
  erase(): Promise<void>;
}

/** The whole system with ports and a directory of its own, beside whatever else runs. */
export async function startTestStack(options: Partial<StackOptions> = {}): Promise<TestStack> {
  const directory = await mkdtemp(join(tmpdir(), 'neurocards-stack-'));
  const lines: string[] = [];
  const remove = async (): Promise<void> => {
    erasePostgres(join(directory, 'postgres'));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const ports = await freePorts();
    const stack = await startStack({
      renderSeconds: 3,
      ...options,
      directory,
      ports,
      ephemeral: true,
      onProgress: (line) => lines.push(line),
    });
    const erase = async (): Promise<void> => {
      await stack.stop();
      await remove();
    };
    return { ...stack, lines, erase };
  } catch (error) {
    await remove();
    throw error;
  }
}
