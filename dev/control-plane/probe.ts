import { readFileSync } from 'node:fs';
import { request } from 'node:https';

export interface ProbeTarget {
  port: number;
  path: string;
  /** Paths of PEM files. */
  authority: string;
  certificate: string;
  key: string;
}

/** The HTTP status of a health path on 127.0.0.1, or undefined when there is no answer within 2 s. */
export function probe(target: ProbeTarget): Promise<number | undefined> {
  return new Promise((resolve) => {
    const attempt = request(
      {
        host: '127.0.0.1',
        port: target.port,
        path: target.path,
        ca: readFileSync(target.authority),
        cert: readFileSync(target.certificate),
        key: readFileSync(target.key),
        agent: false,
        timeout: 2_000,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    attempt.on('timeout', () => attempt.destroy());
    attempt.on('error', () => resolve(undefined));
    attempt.on('close', () => resolve(undefined));
    attempt.end();
  });
}
