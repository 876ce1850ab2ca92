import { type Api, ApiError } from './api.ts';
import { untilAnswered } from './backoff.ts';
import { type Pod, podPath } from './pod.ts';
import { type PodView, statusPatch } from './status.ts';

/**
 * Writes one Pod's status, one patch at a time and always the newest view; views that come while a patch is under way
 * replace each other. Repeats through any absence of the API server until `signal` ends it.
 */
export class StatusReporter {
  readonly #api: Api;
  readonly #signal: AbortSignal;
  readonly #pod: () => Pod;
  #next: PodView | undefined;
  #writing: Promise<void> | undefined;

  /** `pod` gives the newest copy at hand, for its conditions. */
  constructor(api: Api, pod: () => Pod, signal: AbortSignal) {
    this.#api = api;
    this.#pod = pod;
    this.#signal = signal;
  }

  /**
   * Resolves once this view, or a newer one, is stored or the Pod is gone.
   * @throws ApiError when the server refuses it for another reason, or the signal ended the repeating.
   */
  async report(view: PodView): Promise<void> {
    this.#next = view;
    while (this.#next) {
      if (this.#writing) await this.#writing;
      else {
        this.#writing = this.#write();
        try {
          await this.#writing;
        } finally {
          this.#writing = undefined;
        }
      }
    }
    await this.#writing;
  }

  async #write(): Promise<void> {
    await untilAnswered(async () => {
      const view = this.#next;
      if (!view) return;
      const body = statusPatch(this.#pod(), view, new Date());
      try {
        await this.#api.call('PATCH', `${podPath(this.#pod().metadata)}/status`, { body, signal: this.#signal });
      } catch (error) {
        if (!isGone(error)) throw asPassing(error);
      }
      if (this.#next === view) this.#next = undefined;
    }, this.#signal);
  }
}

/**
 * The last word of a node about a deleted Pod: its containers are down, the object may go. Repeated until answered.
 * @throws ApiError when the server refuses it, or the signal ended the repeating.
 */
export async function finalDelete(api: Api, { metadata }: Pod, signal: AbortSignal): Promise<void> {
  const body = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } };
  try {
    await untilAnswered(() => api.call('DELETE', podPath(metadata), { body, signal }), signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Not there, or a namesake with another UID is: a delete is answered with 409 then, a patch with 422 (seen on 1.36.3). */
function isGone(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  if (error.reason === 'NotFound') return true;
  return error.reason === 'Conflict' ? /\bUID\b/.test(error.message) : error.message.includes('metadata.uid: Invalid');
}

/** A conflict that is not about the UID means that many wrote at once: the patch names no version and may be repeated. */
function asPassing(error: unknown): unknown {
  if (!(error instanceof ApiError && error.reason === 'Conflict')) return error;
  return new ApiError('Overloaded', error.message, { cause: error });
}
