import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Authority } from './certificates.ts';

const holder = { commonName: 'somebody', groups: ['readers', 'writers'], addresses: ['127.0.0.1', 'localhost'] };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'neurocards-certificates-'));
});

afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true, force: true });
});

describe('certificates of the control plane', () => {
  it('name their holder, groups and addresses, are signed by their authority, and keep keys private', async () => {
    const authority = await Authority.open(directory, 'ca');
    const files = await authority.keep('somebody', holder);
    const certificate = new X509Certificate(readFileSync(files.certificate));
    expect(certificate.subject.split('\n')).toEqual(['CN=somebody', 'O=readers', 'O=writers']);
    expect(certificate.subjectAltName).toBe('IP Address:127.0.0.1, DNS:localhost');
    expect(certificate.verify(new X509Certificate(readFileSync(authority.files.certificate)).publicKey)).toBe(true);
    expect(statSync(files.key).mode & 0o777).toBe(0o600);
  });

  it('stay the same while they are good for more than 30 days, and are renewed after that', async () => {
    const read = async () => {
      const authority = await Authority.open(directory, 'ca');
      return readFileSync((await authority.keep('somebody', holder)).certificate, 'utf8');
    };
    const first = await read();
    expect(await read()).toBe(first);
    const inDays = (days: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 });
    inDays(330);
    expect(await read()).toBe(first);
    inDays(10);
    expect(await read()).not.toBe(first);
  });

  it('are made again when their files are damaged or of another authority', async () => {
    const authority = await Authority.open(directory, 'ca');
    const files = await authority.keep('somebody', holder);
    const first = readFileSync(files.certificate, 'utf8');
    writeFileSync(authority.files.certificate, 'damaged');
    const next = await Authority.open(directory, 'ca');
    await next.keep('somebody', holder);
    const second = new X509Certificate(readFileSync(files.certificate));
    expect(second.toString()).not.toBe(first);
    expect(second.verify(new X509Certificate(readFileSync(next.files.certificate)).publicKey)).toBe(true);
  });
});
