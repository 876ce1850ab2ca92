import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultBoard } from '../stand-ins/faults.ts';
import { faultLabel } from '../stand-ins/faults.ts';
import type { Journal } from '../stand-ins/journal.ts';
import { tagsOf } from './tags.ts';
import type { Task } from './task.ts';
import { recordOf, resultUrl } from './task.ts';

const tries = 3;
const answerWithinMs = 15_000;
const pauseMs = [500, 1500];

export type CallbackParts = {
  readonly journal: Journal;
  readonly faults: FaultBoard;
  readonly balance: () => number;
  /** With it callbacks carry KIE's signature headers; it does not cover the body. */
  readonly webhookKey: string | undefined;
};

/** Tells the client that a task has ended: up to three tries, each answered within 15 s, then never again. */
export async function sendCallbacks(task: Task, parts: CallbackParts, closing: AbortSignal): Promise<void> {
  const tags = tagsOf(task.prompt);
  if (task.callBackUrl === undefined || tags.has('cb-none')) return;
  const late = tags.number('cb-late', 10);
  if (late !== undefined) await sleep(late * 1000, undefined, { signal: closing, ref: false });
  const copies = tags.number('cb-dup', 2) ?? 1;
  for (let copy = 0; copy < copies; copy += 1) {
    for (let attempt = 0; attempt < tries; attempt += 1) {
      if (attempt > 0) await sleep(pauseMs[attempt - 1] ?? 1500, undefined, { signal: closing, ref: false });
      if (await sendOnce(task, task.callBackUrl, parts, closing)) break;
    }
  }
}

/** Whether the client took it. */
async function sendOnce(task: Task, url: string, parts: CallbackParts, closing: AbortSignal): Promise<boolean> {
  const call = parts.journal.begin('callback');
  call.setTask(task.taskId);
  const fault = parts.faults.take('callback');
  if (fault !== undefined && !(await passes(fault, closing))) {
    call.end(`fault ${faultLabel(fault)}`);
    return false;
  }
  const copies = fault?.fault === 'redeliver' ? 2 : 1;
  let taken = false;
  let outcome = 'unreachable';
  for (let copy = 0; copy < copies; copy += 1) {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: headersOf(task, parts.webhookKey),
        body: JSON.stringify(bodyOf(task, parts.balance())),
        signal: AbortSignal.any([AbortSignal.timeout(answerWithinMs), closing]),
      });
      await response.arrayBuffer();
      outcome = response.ok ? 'ok' : `http ${response.status}`;
      taken = response.ok;
    } catch {
      taken = false;
    }
  }
  call.end(fault === undefined ? outcome : `fault ${faultLabel(fault)}`);
  return taken && fault?.fault !== 'process-then-drop';
}

/** Faults that only delay or repeat let it through. */
async function passes(fault: Fault, closing: AbortSignal): Promise<boolean> {
  if (fault.fault === 'process-then-drop' || fault.fault === 'redeliver') return true;
  if (fault.fault !== 'slow' && fault.fault !== 'hang') return false;
  await sleep((fault.seconds ?? 5) * 1000, undefined, { signal: closing, ref: false });
  return fault.fault === 'slow';
}

function bodyOf(task: Task, balance: number): unknown {
  const failed = task.ended === 'fail';
  const data = { ...recordOf(task, Date.now()), consumeCredits: task.charged, remainedCredits: balance };
  if (tagsOf(task.prompt).has('cb-forged-body')) {
    const lie = failed
      ? { state: 'success', resultJson: JSON.stringify({ resultUrls: [resultUrl(task)] }), failCode: '', failMsg: '' }
      : { state: 'fail', resultJson: '', failCode: '500', failMsg: 'Internal Error, Please try again later.' };
    return { code: failed ? 200 : 501, msg: 'success', data: { ...data, ...lie } };
  }
  return failed
    ? { code: 501, msg: 'Playground task failed.', data }
    : { code: 200, msg: 'Playground task completed successfully.', data };
}

function headersOf(task: Task, webhookKey: string | undefined): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (webhookKey === undefined) return headers;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const key = tagsOf(task.prompt).has('cb-badsig') ? `not ${webhookKey}` : webhookKey;
  return {
    ...headers,
    'x-webhook-timestamp': timestamp,
    'x-webhook-signature': createHmac('sha256', key).update(`${task.taskId}.${timestamp}`).digest('base64'),
  };
}
