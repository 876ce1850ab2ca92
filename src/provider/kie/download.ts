import { classifyKie } from '../../failure/kie.ts';
import { isAllowedUrl, publicLookup } from '../address-guard.ts';
import type { HttpAnswer } from '../http-call.ts';
import { HttpCallError, httpCall } from '../http-call.ts';
import { ProviderError } from '../provider.ts';

const mostRedirects = 3;

/**
 * The bytes of a finished video: from an allowed address, at most `maxBytes`, whole, and an MP4 by its first bytes.
 * Throws `ProviderError`, not retryable when the same URL can never give one.
 */
export async function downloadVideo(
  address: string,
  maxBytes: number,
  trustedHosts: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let url = urlOf(address);
  for (let hop = 0; hop <= mostRedirects; hop += 1) {
    const answer = await get(url, maxBytes, trustedHosts, signal);
    if (answer.status === 200) return checked(answer);
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status >= 400 || location === undefined) throw refused(answer);
    url = urlOf(new URL(location, url).href);
  }
  throw lost('The address of the finished video leads in circles.');
}

async function get(
  url: URL,
  maxBytes: number,
  trustedHosts: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  if (!isAllowedUrl(url, trustedHosts)) {
    throw lost(
      'The address of the finished video is not one that may be read: it must be https in the public Internet.',
    );
  }
  const trusted = trustedHosts.has(url.host);
  try {
    const headers = { accept: 'video/mp4,*/*', 'accept-encoding': 'identity' };
    return await httpCall({
      method: 'GET',
      url,
      headers,
      maxBytes,
      signal,
      ...(trusted ? {} : { lookup: publicLookup }),
    });
  } catch (error) {
    if (error instanceof HttpCallError && error.reason === 'too-big') {
      throw lost('The finished video is larger than what can be delivered.', error);
    }
    throw new ProviderError('provider-busy', 'The finished video could not be downloaded whole; it is tried again.', {
      cause: error,
      cutShort: error instanceof HttpCallError && error.answering && error.reason === 'network',
    });
  }
}

function checked(answer: HttpAnswer): Uint8Array {
  const { body } = answer;
  if (body.length > 12 && Buffer.from(body.subarray(4, 8)).toString('latin1') === 'ftyp') return body;
  throw lost('What lies at the address of the finished video is not an MP4.');
}

function refused(answer: HttpAnswer): ProviderError {
  const verdict = classifyKie({ where: 'download', httpStatus: answer.status });
  return new ProviderError(verdict.class, `The finished video could not be downloaded (HTTP ${answer.status}).`, {
    retryable: verdict.class !== 'provider-lost',
    gone: verdict.class === 'provider-lost',
    retryAfterSeconds: verdict.retryAfterSeconds,
  });
}

function lost(message: string, cause?: unknown): ProviderError {
  return new ProviderError('provider-lost', message, { cause, retryable: false });
}

function urlOf(address: string): URL {
  try {
    return new URL(address);
  } catch (error) {
    throw lost('The address of the finished video is not a URL.', error);
  }
}
