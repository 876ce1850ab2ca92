import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileStorage } from './files.ts';
import type { FileStorage } from './storage.ts';

let directory: string;
let storage: FileStorage;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neurocards-storage-'));
  storage = createFileStorage(join(directory, 'volume'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a stored object', () => {
  it('is read back whole, measured, and replaced as a whole', async () => {
    await storage.put('k3v5/photo.jpg', Buffer.from('first'));
    await storage.put('k3v5/photo.jpg', Buffer.from('the second'));
    expect(Buffer.from(await storage.get('k3v5/photo.jpg')).toString()).toBe('the second');
    expect((await storage.stat('k3v5/photo.jpg'))?.bytes).toBe(10);
    expect(storage.path('k3v5/photo.jpg')).toBe(join(directory, 'volume', 'k3v5', 'photo.jpg'));
  });

  it('leaves no other file behind, also when many are written at once', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => storage.put('a/b', Buffer.from(String(index % 10)))));
    expect(await readdir(join(directory, 'volume', 'a'))).toEqual(['b']);
    expect(await storage.get('a/b')).toHaveLength(1);
  });

  it('that is not there is absent for stat, an error for get, and may be removed', async () => {
    expect(await storage.stat('a/none')).toBeUndefined();
    await expect(storage.get('a/none')).rejects.toMatchObject({ reason: 'not-found' });
    await storage.remove('a/none');
    await storage.put('a/some', Buffer.from('x'));
    expect(await storage.stat('a')).toBeUndefined();
    await storage.remove('a/some');
    expect(await storage.stat('a/some')).toBeUndefined();
  });

  it('is refused under a key that could leave the directory or hide in it', async () => {
    const keys = [
      '',
      '/etc/passwd',
      '../x',
      'a/../../x',
      'a//b',
      'a/',
      '.tmp-1',
      'a/.hidden',
      'A/b',
      'a b',
      'a\\b',
      'ä',
      'a\0b',
      'x'.repeat(600),
    ];
    for (const key of keys) {
      await expect(storage.get(key), key).rejects.toMatchObject({ reason: 'bad-key' });
      expect(() => storage.path(key), key).toThrow('storage key');
      await expect(storage.put(key, Buffer.from('x')), key).rejects.toMatchObject({ reason: 'bad-key' });
    }
  });

  it('that cannot be written is an error that says what to check', async () => {
    await writeFile(join(directory, 'volume'), 'a file where the volume should be');
    await expect(storage.put('a/b', Buffer.from('x'))).rejects.toMatchObject({
      reason: 'unwritable',
      message: expect.stringContaining('mounted, writable') as string,
    });
  });
});
