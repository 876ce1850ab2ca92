import { join } from 'node:path';
import { startChild } from '../child.ts';
import { DevEnvironmentError } from '../errors.ts';
import { checkout } from '../places.ts';

/**
 * Bundles the program into a directory, in a process of its own: esbuild keeps half a gigabyte for the next build, and there is none.
 * @throws DevEnvironmentError `BuildFailed` with what it said.
 */
export async function writeBundles(directory: string): Promise<void> {
  const child = await startChild({
    command: process.execPath,
    args: [join(checkout, 'dev/bundle/main.ts'), '--native', '--directory', directory],
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    cwd: checkout,
    stopSignal: 'SIGKILL',
    wholeGroup: true,
  });
  const { code } = await child.exited;
  if (code === 0) return;
  throw new DevEnvironmentError(
    'BuildFailed',
    `The program could not be bundled (${child.lastLines().slice(-5).join('; ')}): run npm run build to see why.`,
  );
}
