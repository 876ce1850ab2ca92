import { renameSync, writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import h264 from 'h264-mp4-encoder';
import sharp from 'sharp';
import { z } from 'zod';

export const filmOrderSchema = z.object({
  id: z.number(),
  image: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  target: z.string(),
  width: z.int(),
  height: z.int(),
  /** 0 to 3: the way the camera moves. */
  motion: z.int(),
});

export type FilmOrder = z.infer<typeof filmOrderSchema>;

const framesPerSecond = 24;
const frames = 60;
const maxBytes = 280_000;
/** The picture is prepared larger than the film, so that the camera has somewhere to go. */
const overscan = 1.2;

/** Makes a short H.264 MP4 in which a camera moves over the photo, and renames it into its place when whole. */
async function makeFilm(order: FilmOrder): Promise<void> {
  const scene = await stage(order);
  const steps = await Promise.all(Array.from({ length: frames }, (_, index) => frame(scene, order, index)));
  for (const quality of [30, 36, 42, 48]) {
    const film = await encode(steps, order, quality);
    if (film.length > maxBytes && quality < 48) continue;
    writeFileSync(`${order.target}.tmp`, film);
    renameSync(`${order.target}.tmp`, order.target);
    return;
  }
}

type Scene = { readonly pixels: Buffer; readonly width: number; readonly height: number };

/** The whole photo in front of a blurred one that fills the frame. */
async function stage(order: FilmOrder): Promise<Scene> {
  const width = Math.round(order.width * overscan);
  const height = Math.round(order.height * overscan);
  const photo = await sharp(order.image)
    .rotate()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .png()
    .toBuffer();
  const front = await sharp(photo).resize(width, height, { fit: 'inside' }).toBuffer();
  const pixels = await sharp(photo)
    .resize(width, height, { fit: 'cover' })
    .blur(18)
    .modulate({ brightness: 0.8 })
    .composite([{ input: front, gravity: 'centre' }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { pixels, width, height };
}

function frame(scene: Scene, order: FilmOrder, index: number): Promise<Buffer> {
  const part = index / (frames - 1);
  const eased = part * part * (3 - 2 * part);
  const zoom = order.motion % 2 === 0 ? eased : 1 - eased;
  const width = Math.round(scene.width - (scene.width - order.width) * zoom);
  const height = Math.round(scene.height - (scene.height - order.height) * zoom);
  const slide = order.motion < 2 ? 0.5 : 0.5 + (eased - 0.5) * 0.6;
  return sharp(scene.pixels, { raw: { width: scene.width, height: scene.height, channels: 3 } })
    .extract({
      left: Math.round((scene.width - width) * slide),
      top: Math.round((scene.height - height) * 0.5),
      width,
      height,
    })
    .resize(order.width, order.height, { fit: 'fill', kernel: 'linear' })
    .ensureAlpha()
    .raw()
    .toBuffer();
}

async function encode(steps: readonly Buffer[], order: FilmOrder, quality: number): Promise<Uint8Array> {
  const encoder = await h264.createH264MP4Encoder();
  try {
    encoder.width = order.width;
    encoder.height = order.height;
    encoder.frameRate = framesPerSecond;
    encoder.quantizationParameter = quality;
    encoder.speed = 10;
    encoder.groupOfPictures = framesPerSecond;
    encoder.initialize();
    for (const step of steps) encoder.addFrameRgba(step);
    encoder.finalize();
    const film = Uint8Array.from(encoder.FS.readFile(encoder.outputFilename));
    encoder.FS.unlink(encoder.outputFilename);
    return film;
  } finally {
    encoder.delete();
  }
}

parentPort?.on('message', (message: unknown) => {
  const order = filmOrderSchema.parse(message);
  makeFilm(order).then(
    () => parentPort?.postMessage({ id: order.id }),
    (error: unknown) =>
      parentPort?.postMessage({ id: order.id, error: error instanceof Error ? error.message : 'unknown' }),
  );
});
