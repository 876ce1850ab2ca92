import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const LEAF_DAYS = 365;
/** A certificate with less left is made again at the next start. */
const RENEW_BEFORE_DAYS = 30;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** The paths of one certificate and its key, both PEM. */
export interface KeyPairFiles {
  certificate: string;
  key: string;
}

/** What a certificate says about its holder. */
export interface Holder {
  commonName: string;
  /** Become the O fields, which Kubernetes reads as groups. */
  groups?: readonly string[];
  /** A server's: certificates of clients only name none. */
  addresses?: readonly string[];
}

/** Certificates of one authority, kept as files in a directory. */
export class Authority {
  readonly files: KeyPairFiles;
  readonly #directory: string;
  readonly #certificate: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;

  private constructor(
    directory: string,
    files: KeyPairFiles,
    certificate: x509.X509Certificate,
    key: webcrypto.CryptoKey,
  ) {
    this.#directory = directory;
    this.files = files;
    this.#certificate = certificate;
    this.#key = key;
  }

  /** Opens the authority `name` in `directory`; makes it when it is missing, damaged or near its end. */
  static async open(directory: string, name: string): Promise<Authority> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const files = { certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
    if (!isUsable(files)) {
      const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const certificate = await x509.X509CertificateGenerator.createSelfSigned({
        name: `CN=neurocards-${name}`,
        ...validity(AUTHORITY_DAYS),
        keys,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      await writePair(files, certificate, keys.privateKey);
    }
    const key = await importKey(readFileSync(files.key, 'utf8'));
    return new Authority(directory, files, new x509.X509Certificate(readFileSync(files.certificate, 'utf8')), key);
  }

  /** A certificate kept under `name`; made again when it is missing, near its end or of another authority. */
  async keep(name: string, holder: Holder): Promise<KeyPairFiles> {
    const files = { certificate: join(this.#directory, `${name}.crt`), key: join(this.#directory, `${name}.key`) };
    if (!isUsable(files, this.files.certificate)) {
      const { certificate, keys } = await this.#issue(holder);
      await writePair(files, certificate, keys.privateKey);
    }
    return files;
  }

  /** A fresh certificate and key as PEM texts, kept nowhere. */
  async issue(holder: Holder): Promise<{ certificate: string; key: string }> {
    const { certificate, keys } = await this.#issue(holder);
    return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
  }

  async #issue(holder: Holder): Promise<{ certificate: x509.X509Certificate; keys: webcrypto.CryptoKeyPair }> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const addresses = holder.addresses ?? [];
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [{ CN: [holder.commonName] }, ...(holder.groups ?? []).map((group) => ({ O: [group] }))],
      issuer: this.#certificate.subject,
      ...validity(LEAF_DAYS),
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.clientAuth,
          ...(addresses.length > 0 ? [x509.ExtendedKeyUsage.serverAuth] : []),
        ]),
        ...(addresses.length > 0
          ? [
              new x509.SubjectAlternativeNameExtension(
                addresses.map((value) => ({ type: /^[\d.]+$/.test(value) ? 'ip' : 'dns', value })),
              ),
            ]
          : []),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
      ],
    });
    return { certificate, keys };
  }
}

/** The key pair that signs service accounts' tokens: made once, or every token would become void at a restart. */
export async function keepSigningKey(directory: string): Promise<{ publicKey: string; privateKey: string }> {
  const files = {
    publicKey: join(directory, 'service-account.pub'),
    privateKey: join(directory, 'service-account.key'),
  };
  if (!existsSync(files.publicKey) || !existsSync(files.privateKey)) {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
    writeAside(files.privateKey, await exportKey(keys.privateKey), 0o600);
    writeAside(files.publicKey, `${x509.PemConverter.encode(spki, 'PUBLIC KEY')}\n`, 0o644);
  }
  return files;
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  // An hour back: a machine whose clock was just set back must not find its own certificates not yet valid.
  return { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + days * DAY_MS) };
}

function isUsable(files: KeyPairFiles, authority?: string): boolean {
  try {
    const certificate = new X509Certificate(readFileSync(files.certificate));
    if (!readFileSync(files.key, 'utf8').includes('PRIVATE KEY')) return false;
    if (certificate.validToDate.getTime() < Date.now() + RENEW_BEFORE_DAYS * DAY_MS) return false;
    if (certificate.validFromDate.getTime() > Date.now()) return false;
    if (authority === undefined) return true;
    return certificate.verify(new X509Certificate(readFileSync(authority)).publicKey);
  } catch {
    return false;
  }
}

async function writePair(
  files: KeyPairFiles,
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
): Promise<void> {
  writeAside(files.key, await exportKey(key), 0o600);
  writeAside(files.certificate, `${certificate.toString('pem')}\n`, 0o644);
}

/** Writes a file whole or not at all. */
export function writeAside(path: string, text: string, mode: number): void {
  const draft = `${path}.new`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, path);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), ALGORITHM, true, ['sign']);
}
