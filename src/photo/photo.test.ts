import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createPhotoNormaliser } from './normaliser.ts';
import { PhotoError, photoLimits } from './photo.ts';
import { frameOf } from './picture.ts';

const normalise = createPhotoNormaliser();
const cup = () => readFile('dev/photos/coffee-cup.jpg');

async function accepted(bytes: Uint8Array) {
  const verdict = await normalise(bytes);
  if (verdict.kind !== 'ok') throw new Error(`refused: ${verdict.reason}`);
  return verdict.photo;
}

function refusal(bytes: Uint8Array) {
  return normalise(bytes).then((verdict) => (verdict.kind === 'refused' ? verdict.reason : 'accepted'));
}

/** A PNG that says it is so big and holds next to nothing. */
function hollowPng(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(typed), 4);
    return Buffer.concat([frame.subarray(0, 4), typed, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('a good photo', () => {
  it('comes back as a plain JPEG of its own size with a hash of its bytes', async () => {
    const photo = await accepted(await cup());
    expect(photo).toMatchObject({ mime: 'image/jpeg', width: 600, height: 400 });
    expect(photo.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await sharp(photo.bytes).metadata()).toMatchObject({ format: 'jpeg', width: 600, height: 400 });
  });

  it('is turned upright, and its metadata is gone', async () => {
    const turned = await sharp(await cup())
      .withMetadata({ orientation: 6 })
      .withExifMerge({ IFD0: { ImageDescription: 'where I live' } })
      .toBuffer();
    const photo = await accepted(turned);
    expect(photo).toMatchObject({ width: 400, height: 600 });
    const upright = await sharp(await cup())
      .rotate(90)
      .removeAlpha()
      .raw()
      .toBuffer();
    const found = await sharp(photo.bytes).removeAlpha().raw().toBuffer();
    const difference =
      found.reduce((sum, value, index) => sum + Math.abs(value - (upright[index] ?? 0)), 0) / found.length;
    expect(difference).toBeLessThan(8);
    const { exif, orientation, icc } = await sharp(photo.bytes).metadata();
    expect([exif, orientation, icc]).toEqual([undefined, undefined, undefined]);
    expect(Buffer.from(photo.bytes).includes('where I live')).toBe(false);
  });

  it.each(['png', 'webp'] as const)('may be a %s with transparent parts, which become white', async (format) => {
    const sent = await sharp({
      create: { width: 400, height: 400, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .toFormat(format)
      .toBuffer();
    const { bytes } = await accepted(sent);
    const { channels } = await sharp(bytes).stats();
    expect(channels).toHaveLength(3);
    expect(channels.every(({ min }) => min > 250)).toBe(true);
  });

  it('may be in CMYK, and becomes sRGB', async () => {
    const sent = await sharp(await cup())
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    expect((await sharp(sent).metadata()).space).toBe('cmyk');
    expect((await sharp((await accepted(sent)).bytes).metadata()).space).toBe('srgb');
  });

  it('too long and narrow for the models is padded, not cut', async () => {
    const tall = await accepted(
      await sharp(await cup())
        .resize(310, 1500, { fit: 'fill' })
        .toBuffer(),
    );
    expect(tall).toMatchObject({ width: 600, height: 1500 });
    const wide = await accepted(
      await sharp(await cup())
        .resize(4000, 400, { fit: 'fill' })
        .toBuffer(),
    );
    expect(wide.width).toBe(photoLimits.maxOutputSide);
    expect(wide.width / wide.height).toBeLessThanOrEqual(photoLimits.maxRatio);
  });

  it('however big and noisy comes back under the limits', async () => {
    const noise = await sharp(randomBytes(2400 * 1800 * 3), { raw: { width: 2400, height: 1800, channels: 3 } })
      .jpeg({ quality: 90 })
      .toBuffer();
    expect(noise.length).toBeLessThan(photoLimits.maxBytes);
    const photo = await accepted(noise);
    expect(Math.max(photo.width, photo.height)).toBeLessThanOrEqual(photoLimits.maxOutputSide);
    expect(photo.bytes.length).toBeLessThanOrEqual(photoLimits.maxOutputBytes);
  });
});

describe('what is refused', () => {
  it('is anything but JPEG, PNG and WebP by its first bytes', async () => {
    const gif = await sharp(await cup())
      .gif()
      .toBuffer();
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('hello'),
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      gif,
    ]) {
      expect(await refusal(bytes)).toBe('not-a-photo');
    }
  });

  it('is a file over 10 MB, before anybody decodes it', async () => {
    const padded = Buffer.concat([await cup(), Buffer.alloc(photoLimits.maxBytes)]);
    expect(await refusal(padded)).toBe('too-big');
  });

  it('is a picture that claims to be enormous, at once', async () => {
    const started = Date.now();
    expect(await refusal(hollowPng(30_000, 30_000))).toBe('too-big');
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('is one under 300 pixels', async () => {
    expect(
      await refusal(
        await sharp(await cup())
          .resize(299, 400)
          .toBuffer(),
      ),
    ).toBe('too-small');
  });

  it('is a truncated or garbled one', async () => {
    const whole = await cup();
    expect(await refusal(whole.subarray(0, Math.floor(whole.length / 2)))).toBe('broken');
    const png = await sharp(whole).png().toBuffer();
    expect(await refusal(png.subarray(0, Math.floor(png.length / 2)))).toBe('broken');
    expect(await refusal(hollowPng(500, 500))).toBe('broken');
    expect(await refusal(Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), randomBytes(5000)]))).toBe('broken');
  });
});

describe('the process that decodes', () => {
  async function withChild<T>(source: string, work: (childPath: string) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(tmpdir(), 'neurocards-photo-'));
    try {
      const path = join(directory, 'child.mjs');
      await writeFile(path, source);
      return await work(path);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  it('has no environment', async () => {
    const source =
      'if (Object.keys(process.env).length > 0) process.exit(1); process.stdout.write("R"); process.stdin.resume();';
    const verdict = await withChild(source, async (childPath) => createPhotoNormaliser({ childPath })(await cup()));
    expect(verdict).toEqual({ kind: 'refused', reason: 'broken' });
  });

  it('that takes too long, too much memory or dies of the photo means that the photo is broken', async () => {
    const broken = { kind: 'refused', reason: 'broken' };
    const stuck = 'process.stdout.write("R"); setInterval(() => {}, 1000);';
    const greedy = 'process.stdout.write("R"); const all = []; setInterval(() => all.push(Buffer.alloc(5e7, 1)), 10);';
    const dying = 'process.stdout.write("R", () => process.abort());';
    const cases: [string, { timeoutMs: number; maxMemoryBytes?: number }][] = [
      [stuck, { timeoutMs: 2000 }],
      [greedy, { timeoutMs: 60_000, maxMemoryBytes: 3e8 }],
      [dying, { timeoutMs: 60_000 }],
    ];
    for (const [source, limits] of cases) {
      const work = async (childPath: string) => createPhotoNormaliser({ childPath, ...limits })(await cup());
      expect(await withChild(source, work)).toEqual(broken);
    }
  });

  it('that cannot start is our trouble, not the photo', async () => {
    const elsewhere = createPhotoNormaliser({ childPath: '/nowhere/child.ts' });
    await expect(elsewhere(await cup())).rejects.toMatchObject({ name: 'PhotoError', reason: 'child-failed' });
  });

  it('is ended by its caller', async () => {
    const stuck = 'process.stdout.write("R"); setInterval(() => {}, 1000);';
    const work = async (childPath: string) =>
      createPhotoNormaliser({ childPath })(await cup(), AbortSignal.timeout(300));
    await expect(withChild(stuck, work)).rejects.toBeInstanceOf(PhotoError);
  });
});

describe('the frame of a picture', () => {
  it('keeps every size within the limits and the ratio', () => {
    for (const [width, height] of [
      [300, 3000],
      [3000, 300],
      [4000, 3000],
      [300, 749],
      [301, 753],
      [9999, 3999],
      [300, 300],
    ] as const) {
      const frame = frameOf(width, height);
      const ratio = frame.width / frame.height;
      expect(ratio, `${width}x${height}`).toBeGreaterThanOrEqual(photoLimits.minRatio);
      expect(ratio, `${width}x${height}`).toBeLessThanOrEqual(photoLimits.maxRatio);
      expect(Math.max(frame.width, frame.height)).toBeLessThanOrEqual(photoLimits.maxOutputSide);
      expect(Math.min(frame.width, frame.height)).toBeGreaterThanOrEqual(photoLimits.minSide);
    }
  });
});
