import type { Api } from './api.ts';
import { Backoff, waited } from './backoff.ts';
import { type Launch, prepareContainer, startError } from './container.ts';
import type { NodeDirectory } from './directory.ts';
import type { RecordEvent } from './events.ts';
import type { Image } from './image.ts';
import { isTerminal, type Pod, podName } from './pod.ts';
import { type ContainerProcess, type ProcessEnd, startProcess } from './process.ts';
import type { RecordedEnd, Records } from './records.ts';
import { unimplementedField } from './refusal.ts';
import { finalDelete, StatusReporter } from './reporter.ts';
import { type PodView, startTimeOf, type Terminated, type Verdict, type Waiting } from './status.ts';
import { terminationMessage } from './termination.ts';

/** What a worker shares with the others of its node. */
export interface WorkerContext {
  api: Api;
  directory: NodeDirectory;
  records: Records;
  images: ReadonlyMap<string, Image>;
  event: RecordEvent;
  log: (message: string) => void;
  /** Ends the repeating of calls to the API server; containers are stopped by `shutdown`, not by this. */
  signal: AbortSignal;
}

type StopCause = 'Deleted' | 'Deadline' | 'Shutdown';

const verdicts: Record<StopCause, Verdict | undefined> = {
  Deleted: undefined,
  Deadline: { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' },
  Shutdown: { reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' },
};

/** A kubelet gives every container at least this long between its two signals. */
const LEAST_GRACE_SECONDS = 1;

/** Takes one Pod from its binding to its end, as a kubelet would, and reports it. */
export class PodWorker {
  /** Resolves when nothing is left to do until the Pod changes again; never rejects. */
  readonly done: Promise<void>;
  readonly #context: WorkerContext;
  readonly #reporter: StatusReporter;
  readonly #startTime: Date;
  readonly #stopped = new AbortController();
  #pod: Pod;
  #stopCause: StopCause | undefined;
  #graceSeconds = Number.POSITIVE_INFINITY;
  #process: ContainerProcess | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #changed = new AbortController();
  #ended = false;

  /** `past` is an end that an earlier life of this node recorded but did not report. */
  constructor(pod: Pod, context: WorkerContext, past?: RecordedEnd) {
    this.#pod = pod;
    this.#context = context;
    this.#startTime = startTimeOf(pod, new Date());
    this.#reporter = new StatusReporter(context.api, () => this.#pod, context.signal);
    this.done = this.#live(past).catch((error: unknown) => this.#log(`left as it is: ${wordsOf(error)}`));
    this.#heedDeletion();
  }

  /** The Pod as the API server has it now. */
  update(pod: Pod): void {
    this.#pod = pod;
    this.#changed.abort();
    this.#changed = new AbortController();
    if (!this.#ended) this.#armDeadline();
    this.#heedDeletion();
  }

  /** The Pod is not there any more (deleted by force): its container must not be either. */
  gone(): void {
    this.#stop('Deleted', this.#pod.spec.terminationGracePeriodSeconds);
  }

  /** Ends the container because the node goes; a Pod that has none is left to the node's next life. */
  shutdown(mostGraceSeconds: number): void {
    this.#stop('Shutdown', Math.min(mostGraceSeconds, this.#pod.spec.terminationGracePeriodSeconds));
  }

  /** SIGKILL at once. */
  kill(): void {
    this.#process?.kill();
  }

  async #live(past: RecordedEnd | undefined): Promise<void> {
    const end = past ?? (await this.#run());
    this.#ended = true;
    clearTimeout(this.#deadline);
    if (!end) return;
    const { uid } = this.#pod.metadata;
    await this.#reporter.report(end);
    this.#context.records.remove(uid);
    this.#context.directory.discard(uid);
    if (this.#pod.metadata.deletionTimestamp !== undefined)
      await finalDelete(this.#context.api, this.#pod, this.#context.signal);
  }

  async #run(): Promise<PodView | undefined> {
    const field = unimplementedField(this.#pod);
    if (field !== undefined) {
      const message = `Pod was rejected: this node does not implement ${field} (see docs/development/node.md)`;
      this.#log(message);
      return { startTime: this.#startTime, rejected: { reason: 'UnimplementedField', message } };
    }
    this.#armDeadline();
    const prepared = await this.#prepare();
    if (!prepared) return this.#neverStarted();
    if ('kind' in prepared) return this.#view(prepared);
    return this.#contain(prepared);
  }

  /** Tries until the container may start or never will; undefined when it was stopped before. */
  async #prepare(): Promise<Launch | Terminated | undefined> {
    const retries = new Backoff(1_000, 10_000);
    const pulls = new Backoff(10_000, 300_000);
    let told = '';
    while (!this.#stopped.signal.aborted) {
      const [container] = this.#pod.spec.containers;
      if (!container) return startError('the pod has no container');
      const changed = AbortSignal.any([this.#changed.signal, this.#stopped.signal]);
      const result = await prepareContainer(this.#pod, container, this.#context, this.#stopped.signal).catch(
        (error: unknown) => {
          if (this.#stopped.signal.aborted) return undefined;
          throw error;
        },
      );
      if (!result || this.#stopped.signal.aborted) return undefined;
      if ('launch' in result) return result.launch;
      if ('failed' in result) return result.failed;
      const { waiting } = result;
      if (told !== waiting.message) {
        told = waiting.message ?? '';
        this.#log(`waits: ${waiting.reason}: ${told}`);
        this.#context.event(this.#pod, result.event, told);
        await this.#tell(waiting);
      }
      if (waiting.reason !== 'ErrImagePull') await waited(retries.next(), changed);
      else if (await waited(1_000, changed)) {
        const message = `Back-off pulling image ${JSON.stringify(container.image)}: ErrImagePull: ${told}`;
        await this.#tell({ kind: 'waiting', reason: 'ImagePullBackOff', message });
        await waited(pulls.next(), changed);
      }
    }
    return undefined;
  }

  async #contain(launch: Launch): Promise<PodView> {
    const { records, directory } = this.#context;
    const [container] = this.#pod.spec.containers;
    const { uid } = this.#pod.metadata;
    const logFile = directory.logFile(this.#pod.metadata, container?.name ?? '');
    const startedAt = new Date();
    const record = { uid, pod: podName(this.#pod), startTime: this.#startTime, startedAt };
    // Written before the start: dying in between then looks like dying with the container, which is the safe side.
    records.write(record);
    let process_: ContainerProcess;
    try {
      process_ = await startProcess({ ...launch, logFile });
    } catch (error) {
      records.remove(uid);
      return this.#view(startError(wordsOf(error)));
    }
    const started = { ...record, process: process_.record };
    records.write(started);
    this.#process = process_;
    this.#log(`runs as process ${process_.record?.pid}, log ${logFile}`);
    if (this.#stopCause) process_.stop(this.#graceSeconds);
    else void this.#tell({ kind: 'running', startedAt });
    const ended = await process_.ended;
    const message = terminationMessage(container?.terminationMessagePolicy ?? 'File', ended.exitCode, {
      message: directory.podDirectory(uid).terminationMessage,
      log: logFile,
    });
    const end = { ...this.#view(endOf(ended, startedAt, message)), startTime: this.#startTime };
    records.write({ ...started, end });
    this.#log(`ended with exit code ${ended.exitCode}`);
    return end;
  }

  #view(container: Terminated): RecordedEnd {
    const verdict = this.#stopCause && verdicts[this.#stopCause];
    return { startTime: this.#startTime, container, verdict };
  }

  #neverStarted(): PodView | undefined {
    if (this.#stopCause === 'Shutdown') return undefined;
    const message = 'The container was never started.';
    return this.#view({ kind: 'terminated', exitCode: 137, reason: 'ContainerStatusUnknown', message });
  }

  async #tell(container: Waiting | Extract<PodView, { container: unknown }>['container']): Promise<void> {
    try {
      await this.#reporter.report({ startTime: this.#startTime, container });
    } catch (error) {
      this.#log(`status not written: ${wordsOf(error)}`);
    }
  }

  #heedDeletion(): void {
    const { deletionTimestamp, deletionGracePeriodSeconds } = this.#pod.metadata;
    if (deletionTimestamp !== undefined) {
      const grace = deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds;
      if (!this.#ended) this.#stop('Deleted', grace);
      // Deleted after its end was reported: with grace 0 the object waits for a finalizer and needs nothing of us.
      else if (isTerminal(this.#pod) && grace > 0) {
        finalDelete(this.#context.api, this.#pod, this.#context.signal).catch((error: unknown) =>
          this.#log(`final delete failed: ${wordsOf(error)}`),
        );
      }
    } else if (isTerminal(this.#pod)) this.gone();
  }

  #stop(cause: StopCause, graceSeconds: number): void {
    if (this.#ended) return;
    this.#stopCause ??= cause;
    this.#graceSeconds = Math.min(this.#graceSeconds, Math.max(graceSeconds, LEAST_GRACE_SECONDS));
    this.#stopped.abort();
    this.#process?.stop(this.#graceSeconds);
  }

  #armDeadline(): void {
    const { activeDeadlineSeconds, terminationGracePeriodSeconds } = this.#pod.spec;
    clearTimeout(this.#deadline);
    if (activeDeadlineSeconds === undefined) return;
    const left = this.#startTime.getTime() + activeDeadlineSeconds * 1000 - Date.now();
    // Node's timers hold 24 days; a Pod with more has that much time to live at least.
    const delay = Math.min(Math.max(left, 0), 2 ** 31 - 1);
    this.#deadline = setTimeout(() => this.#stop('Deadline', terminationGracePeriodSeconds), delay);
  }

  #log(message: string): void {
    this.#context.log(`${podName(this.#pod)}: ${message}`);
  }
}

function endOf({ exitCode, signal }: ProcessEnd, startedAt: Date, message: string | undefined): Terminated {
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  return { kind: 'terminated', exitCode, signal, reason, message, startedAt, finishedAt: new Date() };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
