import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ALL_FORMATS, FilePathSource, Input } from 'mediabunny';
import sharp from 'sharp';
import type { FileRecord } from './model.ts';
import type { Upload } from './parameters.ts';
import { badRequest } from './refusal.ts';
import type { Store } from './store.ts';

/** Longest sides of the sizes Telegram makes of a photo (`s`, `m`, `x`, `y`). */
const photoSides = [90, 320, 800, 1280];

const idPrefix = { photo: 'AgACAgIAAxkB', video: 'BAACAgIAAxkD', document: 'BQACAgIAAxkB', thumbnail: 'AAMCAgADGQMA' };

const extensions: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/heic': 'heic',
  'image/heif': 'heif',
  'video/mp4': 'mp4',
  'video/quicktime': 'mov',
  'application/pdf': 'pdf',
  'text/plain': 'txt',
};

export type VideoFacts = { readonly width: number; readonly height: number; readonly duration: number };

/** Files on disk below the state directory. What a method here returns still has to be committed to the store. */
export class FileRoom {
  readonly temporary: string;
  readonly #root: string;
  readonly #store: Store;

  constructor(stateDirectory: string, store: Store) {
    this.#root = join(stateDirectory, 'files');
    this.temporary = join(stateDirectory, 'uploads');
    this.#store = store;
    for (const name of ['photos', 'videos', 'documents', 'thumbnails']) {
      mkdirSync(join(this.#root, name), { recursive: true });
    }
    mkdirSync(this.temporary, { recursive: true });
  }

  absolute(file: FileRecord): string {
    return join(this.#root, file.path);
  }

  /**
   * A photo as Telegram keeps it: upright, without metadata, recompressed to JPEG, in several sizes, smallest first.
   * @throws Refusal 400 `IMAGE_PROCESS_FAILED` or `PHOTO_INVALID_DIMENSIONS`
   */
  async photo(path: string): Promise<FileRecord[]> {
    const original = await pixelsOf(path);
    const longest = Math.max(original.width, original.height);
    if (original.width + original.height > 10_000 || longest > 20 * Math.min(original.width, original.height)) {
      throw badRequest('PHOTO_INVALID_DIMENSIONS');
    }
    const smaller = photoSides.filter((side) => side < longest);
    const sides = longest <= 1280 ? [...smaller, longest] : photoSides;
    const made = await Promise.all(sides.map((side) => this.#photoSize(path, side)));
    const sizes = made.map((file) => file.file_id);
    return made.map((file) => ({ ...file, sizes }));
  }

  async #photoSize(path: string, side: number): Promise<FileRecord> {
    const { data, info } = await sharp(path, { failOn: 'none' })
      .rotate()
      .flatten({ background: '#ffffff' })
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 87 })
      .toBuffer({ resolveWithObject: true });
    return this.#written(data, 'photo', 'photos', { width: info.width, height: info.height });
  }

  /** A video with the numbers that were given, else those of the file itself; undefined when it is no video. */
  async video(upload: Upload, given: VideoFacts, thumbnail: Upload | undefined): Promise<FileRecord[] | undefined> {
    const read = await videoFacts(upload.path);
    if (read === undefined) return undefined;
    const cover = thumbnail === undefined ? undefined : await this.#thumbnail(thumbnail);
    const file = await this.#moved(upload, 'video', 'videos', {
      width: given.width || read.width,
      height: given.height || read.height,
      duration: given.duration || read.duration,
      mime: 'video/mp4',
      name: upload.name,
      ...(cover === undefined ? {} : { thumbnail: cover.file_id }),
    });
    return cover === undefined ? [file] : [file, cover];
  }

  document(upload: Upload): Promise<FileRecord> {
    return this.#moved(upload, 'document', 'documents', { name: upload.name, mime: upload.mime });
  }

  async #thumbnail(upload: Upload): Promise<FileRecord | undefined> {
    try {
      const { width, height } = await pixelsOf(upload.path);
      const data = await sharp(upload.path).jpeg().toBuffer();
      return await this.#written(data, 'thumbnail', 'thumbnails', { width, height });
    } catch {
      // Telegram ignores a thumbnail it cannot use.
      return undefined;
    }
  }

  async #written(
    data: Buffer,
    kind: FileRecord['kind'],
    folder: string,
    more: Partial<FileRecord>,
  ): Promise<FileRecord> {
    const path = `${folder}/file_${this.#store.nextFileNumber()}.jpg`;
    await writeFile(join(this.#root, path), data);
    const sha256 = createHash('sha256').update(data).digest('hex');
    return { ...names(kind), kind, path, size: data.length, sha256, mime: 'image/jpeg', ...more };
  }

  async #moved(
    upload: Upload,
    kind: FileRecord['kind'],
    folder: string,
    more: Partial<FileRecord>,
  ): Promise<FileRecord> {
    const mime = more.mime ?? upload.mime;
    const fromName = /\.([A-Za-z0-9]{1,8})$/.exec(upload.name)?.[1]?.toLowerCase();
    const path = `${folder}/file_${this.#store.nextFileNumber()}.${fromName ?? extensions[mime] ?? 'bin'}`;
    await rename(upload.path, join(this.#root, path));
    const { size } = await stat(join(this.#root, path));
    return { ...names(kind), kind, path, size, sha256: upload.sha256, mime, ...more };
  }
}

function names(kind: FileRecord['kind']): { file_id: string; file_unique_id: string } {
  return {
    file_id: idPrefix[kind] + randomBytes(33).toString('base64url'),
    file_unique_id: `AQAD${randomBytes(9).toString('base64url')}`,
  };
}

async function pixelsOf(path: string): Promise<{ width: number; height: number }> {
  try {
    const read = sharp(path, { failOn: 'none' });
    const found = await read.metadata();
    // The header may be fine and the rest not: Telegram decodes the picture before it accepts it.
    await read.stats();
    if (found.width > 0 && found.height > 0) return { width: found.width, height: found.height };
  } catch {
    // Said below, in Telegram's words.
  }
  throw badRequest('IMAGE_PROCESS_FAILED');
}

async function videoFacts(path: string): Promise<VideoFacts | undefined> {
  try {
    using input = new Input({ source: new FilePathSource(path), formats: ALL_FORMATS });
    const track = await input.getPrimaryVideoTrack();
    if (track === null) return undefined;
    const [width, height, seconds] = await Promise.all([
      track.getDisplayWidth(),
      track.getDisplayHeight(),
      input.computeDuration(),
    ]);
    return { width, height, duration: Math.max(1, Math.round(seconds)) };
  } catch {
    return undefined;
  }
}
