import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';

export interface ProbeTarget {
  port: number;
  path: string;
  /** Paths of PEM files. */
  authority: string;
  certificate: string;
  key: string;
  /** What a healthy answer must mention. */
  mentions?: string;
}

const ANSWER_MS = 2_000;

/** Whether a health path on 127.0.0.1 answers 200 within 2 s, with the words that are expected in it. */
export function isHealthy(target: ProbeTarget): Promise<boolean> {
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
        signal: AbortSignal.timeout(ANSWER_MS),
      },
      (response) => {
        text(response).then(
          (body) => resolve(response.statusCode === 200 && body.includes(target.mentions ?? '')),
          () => resolve(false),
        );
      },
    );
    attempt.on('error', () => resolve(false));
    attempt.end();
  });
}
