import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { writeAside } from './certificates.ts';

export interface KubeconfigContent {
  server: string;
  /** The path of the authority's certificate; its text is put into the file, so that the file can be moved. */
  authority: string;
  user: string;
  certificate: string;
  key: string;
  /** What kubectl uses when no namespace is given. */
  namespace?: string | undefined;
}

/** Writes a kubeconfig with everything inside it, readable by its owner only (it holds a private key). */
export function writeKubeconfig(path: string, content: KubeconfigContent): void {
  const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'neurocards',
        cluster: { server: content.server, 'certificate-authority-data': base64(readFileSync(content.authority)) },
      },
    ],
    users: [
      {
        name: content.user,
        user: { 'client-certificate-data': base64(content.certificate), 'client-key-data': base64(content.key) },
      },
    ],
    contexts: [
      {
        name: 'neurocards',
        context: {
          cluster: 'neurocards',
          user: content.user,
          ...(content.namespace === undefined ? {} : { namespace: content.namespace }),
        },
      },
    ],
    'current-context': 'neurocards',
  };
  writeAside(path, stringify(config), 0o600);
}
