import { describe, expect, it } from 'vitest';
import { isAllowedUrl, isPublicAddress, publicLookup } from './address-guard.ts';

const trusted = new Set(['127.0.0.1:8080']);

describe('an address', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.20.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.1.1',
    '0.0.0.0',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
    'not an address',
  ])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each(['1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:1.1.1.1'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('a URL', () => {
  it.each<[string, boolean]>([
    ['https://files.example/video.mp4', true],
    ['http://files.example/video.mp4', false],
    ['https://127.0.0.1/video.mp4', false],
    ['https://[::1]/video.mp4', false],
    ['https://169.254.169.254/latest/meta-data', false],
    ['https://2130706433/video.mp4', false],
    ['https://someone:secret@files.example/video.mp4', false],
    ['file:///etc/passwd', false],
    ['http://127.0.0.1:8080/files/video.mp4', true],
    ['http://127.0.0.1:8081/files/video.mp4', false],
    ['ftp://127.0.0.1:8080/files/video.mp4', false],
  ])('%s may be read: %s', (url, allowed) => {
    expect(isAllowedUrl(new URL(url), trusted)).toBe(allowed);
  });

  it('whose name leads home is refused while connecting', async () => {
    const error = await new Promise<Error | null>((resolve) =>
      publicLookup('localhost', {}, (found) => resolve(found)),
    );
    expect(error?.message).toContain('private address');
  });
});
