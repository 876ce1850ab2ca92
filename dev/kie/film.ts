import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { FilmOrder } from './film-worker.ts';

const answerSchema = z.object({ id: z.number(), error: z.string().optional() });
/** The encoder holds much memory: it goes when nobody needs it. */
const idleMs = 3000;

export type FilmStudio = {
  /** The name of the film of this photo, made now if it is not there yet. Equal calls share one film. */
  film(image: Uint8Array, imageSha256: string, aspectRatio: string, motion: number): Promise<string>;
  path(name: string): string;
  close(): Promise<void>;
};

/** Films made one after another in a worker thread, so that the server answers meanwhile. */
export function openStudio(directory: string): FilmStudio {
  mkdirSync(directory, { recursive: true });
  const path = (name: string): string => join(directory, name);
  const running = new Map<string, Promise<string>>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;

  function render(order: Omit<FilmOrder, 'id'>): Promise<void> {
    clearTimeout(idle);
    worker ??= new Worker(new URL('./film-worker.ts', import.meta.url), { execArgv: [], env: {} });
    const used = worker;
    count += 1;
    const id = count;
    return new Promise<void>((resolve, reject) => {
      const done = (error?: Error): void => {
        used.off('message', onMessage).off('error', onError).off('exit', onExit);
        idle = setTimeout(() => {
          void worker?.terminate();
          worker = undefined;
        }, idleMs).unref();
        if (error === undefined) resolve();
        else reject(error);
      };
      const onMessage = (message: unknown): void => {
        const answer = answerSchema.parse(message);
        if (answer.id === id) done(answer.error === undefined ? undefined : new Error(answer.error));
      };
      const onError = (error: Error): void => {
        worker = undefined;
        done(error);
      };
      const onExit = (): void => onError(new Error('the film worker ended'));
      used.on('message', onMessage).on('error', onError).on('exit', onExit);
      used.postMessage({ ...order, id });
    });
  }

  return {
    path,
    film(image, imageSha256, aspectRatio, motion) {
      const [width, height] = sizeOf(aspectRatio);
      const name = `${imageSha256.slice(0, 32)}-${width}x${height}-${motion}.mp4`;
      if (existsSync(path(name))) return Promise.resolve(name);
      const known = running.get(name);
      if (known !== undefined) return known;
      const film = last.then(() => render({ image, target: path(name), width, height, motion })).then(() => name);
      last = film.catch(() => undefined);
      running.set(name, film);
      film.finally(() => running.delete(name)).catch(() => undefined);
      return film;
    },
    async close() {
      clearTimeout(idle);
      await worker?.terminate();
      worker = undefined;
    },
  };
}

/** Small films: what matters is that they play. */
function sizeOf(aspectRatio: string): readonly [number, number] {
  if (aspectRatio === '16:9' || aspectRatio === '21:9' || aspectRatio === '4:3') return [640, 368];
  if (aspectRatio === '9:16') return [368, 640];
  return aspectRatio === '1:1' ? [512, 512] : [480, 640];
}

/** Makes a film one task's own: a `free` box at its end, which every player skips, holds the task's id. */
export function stamped(film: Uint8Array, taskId: string): Uint8Array {
  const label = Buffer.from(taskId, 'utf8');
  const box = Buffer.alloc(8 + label.length);
  box.writeUInt32BE(box.length, 0);
  box.write('free', 4, 'latin1');
  label.copy(box, 8);
  return Buffer.concat([film, box]);
}
