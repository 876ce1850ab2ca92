import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { readFrame, readyMark } from './frame.ts';
import { PhotoError, photoLimits } from './photo.ts';
import type { PictureVerdict } from './picture.ts';

export type ChildSettings = {
  readonly childPath: string;
  readonly timeoutMs: number;
  readonly maxMemoryBytes: number;
};

const watchEveryMs = 100;
const headRoom = 64 * 1024;

/** Runs the decoding process once over one photo. What ends it once it is up is the photo's doing: refused as broken. */
export function runPhotoChild(
  bytes: Uint8Array,
  settings: ChildSettings,
  signal?: AbortSignal,
): Promise<PictureVerdict> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--max-old-space-size=192', settings.childPath], {
      // Nothing of ours: no secret reaches the process that reads a stranger's bytes.
      env: {},
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: settings.timeoutMs,
      killSignal: 'SIGKILL',
      ...(signal === undefined ? {} : { signal }),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    const watch = watchMemory(child, settings.maxMemoryBytes);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > photoLimits.maxOutputBytes + headRoom) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    // A child that dies early leaves a broken pipe behind; its exit tells the rest.
    child.stdin.on('error', () => undefined);
    child.stdin.end(bytes);
    child.once('error', (error) => {
      clearInterval(watch);
      reject(signal?.aborted === true ? aborted(error) : notStarted(error));
    });
    child.once('close', () => {
      clearInterval(watch);
      const output = Buffer.concat(chunks);
      if (signal?.aborted === true) reject(aborted(signal.reason));
      else if (output.toString('latin1', 0, 1) !== readyMark) reject(notStarted());
      else resolve(readFrame(output.subarray(1)) ?? { kind: 'refused', reason: 'broken' });
    });
  });
}

/** Native memory has no limit of its own in Node, so the process is looked at; where /proc is missing, only time limits it. */
function watchMemory(child: ChildProcess, most: number): NodeJS.Timeout {
  return setInterval(() => {
    if (child.pid === undefined) return;
    void residentBytes(child.pid).then((bytes) => {
      if (bytes !== undefined && bytes > most) child.kill('SIGKILL');
    });
  }, watchEveryMs);
}

/** The resident memory of a process; `undefined` where the system does not say. Linux: /proc/PID/statm, in pages of 4 KiB. */
async function residentBytes(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => undefined);
  const pages = Number(text?.split(' ')[1] ?? Number.NaN);
  return Number.isFinite(pages) ? pages * 4096 : undefined;
}

function notStarted(cause?: unknown): PhotoError {
  return new PhotoError(
    'child-failed',
    'The process that checks photos could not start: check that its entry file and the sharp package are installed.',
    cause,
  );
}

function aborted(cause: unknown): PhotoError {
  return new PhotoError(
    'aborted',
    'Checking the photo was ended from outside; the same photo can be checked again.',
    cause,
  );
}
