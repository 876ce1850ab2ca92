import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { CallbackParts } from './callback.ts';
import { sendCallbacks } from './callback.ts';
import type { FilmStudio } from './film.ts';
import type { FetchedImage } from './image.ts';
import type { Store } from './store.ts';
import type { Task } from './task.ts';

export type Lifecycle = {
  /** Keeps the photo of a task that is about to be saved. */
  keepImage(image: FetchedImage): Promise<void>;
  /** Lets a saved task run to its end. */
  run(task: Task): void;
  /** Ends a task now; resolves when its callbacks are over. */
  endNow(task: Task): Promise<void>;
  close(): void;
};

const longestTimerMs = 2_000_000_000;

/** Ends tasks when their time has come, films and charges the good ones, and sends callbacks; takes up where a kill left off. */
export function createLifecycle(
  directory: string,
  store: Store,
  studio: FilmStudio,
  callback: CallbackParts,
): Lifecycle {
  const images = join(directory, 'images');
  mkdirSync(images, { recursive: true });
  const timers = new Set<NodeJS.Timeout>();
  const closing = new AbortController();

  async function imageOf(task: Task): Promise<Uint8Array> {
    if (task.imageSha256 !== undefined) return readFile(join(images, task.imageSha256));
    return sharp({ create: { width: 480, height: 640, channels: 3, background: '#5b7a99' } })
      .png()
      .toBuffer();
  }

  async function filmOf(task: Task): Promise<string> {
    const motion = Number.parseInt(task.taskId.slice(0, 1), 16) % 4;
    return studio.film(await imageOf(task), task.imageSha256 ?? '0'.repeat(64), task.aspectRatio, motion);
  }

  async function end(task: Task): Promise<void> {
    if (task.ended === undefined) {
      let ended: Task;
      if (task.failMsg !== '' || task.failCode !== '') {
        ended = { ...task, ended: 'fail' };
      } else {
        try {
          ended = { ...task, film: await filmOf(task), ended: 'success', charged: task.cost };
        } catch (error) {
          if (closing.signal.aborted) return;
          console.error(`kie: the film of task ${task.taskId} could not be made:`, error);
          ended = { ...task, ended: 'fail', failCode: '500', failMsg: 'Internal Error, Please try again later.' };
        }
      }
      if (closing.signal.aborted || store.tasks.get(task.taskId)?.ended !== undefined) return;
      store.save({ ...ended, finishedAt: Date.now() });
      if (ended.charged > 0) store.change({ balance: store.behaviour.balance - ended.charged });
    }
    await tell(task.taskId);
  }

  async function tell(taskId: string): Promise<void> {
    const task = store.tasks.get(taskId);
    if (task === undefined || task.callbackSettled) return;
    try {
      await sendCallbacks(task, callback, closing.signal);
    } catch {
      // Only closing interrupts it; the next run sends it again.
      if (closing.signal.aborted) return;
    }
    store.save({ ...task, callbackSettled: true });
  }

  function run(task: Task): void {
    if (task.ended !== undefined) {
      void tell(task.taskId);
      return;
    }
    if (task.endsAt === null) return;
    const wait = Math.min(longestTimerMs, Math.max(0, task.endsAt - Date.now()));
    const timer = setTimeout(() => {
      timers.delete(timer);
      void end(task);
    }, wait);
    timers.add(timer);
    // Rendering begins at once, so that it is no part of the time a task takes.
    if (task.failMsg === '' && task.failCode === '') filmOf(task).catch(() => undefined);
  }

  for (const task of store.tasks.values()) run(task);

  return {
    async keepImage(image) {
      const target = join(images, image.sha256);
      const temporary = `${target}.${randomBytes(4).toString('hex')}.tmp`;
      await writeFile(temporary, image.bytes);
      await rename(temporary, target);
    },
    run,
    endNow: end,
    close() {
      closing.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
