import { randomUUID } from 'node:crypto';
import { policyOf } from '../failure/classes.ts';
import { persist } from '../postgres/persist.ts';
import type { AspectRatio, SubmitResult } from '../provider/provider.ts';
import type { Advanced, Workshop } from './advance.ts';
import { answerSubmit, beginSubmit, type LeasedAttempt, type SubmitAnswer, takeSubmitToken } from './attempt.ts';
import { pollSeconds } from './poll-interval.ts';
import { backoffSeconds, type Payload } from './prepare.ts';

const startWithinMs = 5_000;
const abortAfterMs = 60_000;

/**
 * The one paid call. `begin_submit` commits first; only the process whose call made that transition posts, within 5 s of asking for it,
 * and the answer is written by the nonce alone. A commit whose reply was lost is never followed by a POST: what was surely
 * not sent is said to be so, and the attempt is `ready` again.
 */
export async function submit(attempt: LeasedAttempt, payload: Payload, workshop: Workshop): Promise<Advanced> {
  const token = await persist(() => takeSubmitToken(workshop.database, attempt.order.provider), workshop.lost);
  if (!token.granted) return { kind: 'again', afterSeconds: Math.max(0.2, token.retryAfterSeconds), attempt };
  if (workshop.stopping.aborted || workshop.lost.aborted) return { kind: 'again', afterSeconds: 0, attempt };

  const nonce = randomUUID();
  const asked = Date.now();
  const begun = await begin(attempt, nonce, workshop);
  if (begun === 'refused') return { kind: 'lost', because: 'begin_submit was refused' };
  const late = Date.now() - asked > startWithinMs;
  const answer = begun === 'unknown' || late ? notSent : answerOf(await post(attempt, payload, nonce, workshop));
  const { state } = await persist(() => answerSubmit(workshop.database, nonce, answer));
  return afterAnswer(attempt, nonce, answer, state);
}

const notSent: SubmitAnswer = {
  kind: 'refused',
  resubmit: true,
  failureClass: 'provider-busy',
  message: 'the request was not sent',
  retryAfterSeconds: 1,
};

/** `unknown`: the call's own outcome is not known. Nothing was posted by us, so it is answered as not sent, by the nonce. */
async function begin(
  attempt: LeasedAttempt,
  nonce: string,
  workshop: Workshop,
): Promise<'begun' | 'refused' | 'unknown'> {
  try {
    const { done } = await beginSubmit(workshop.database, attempt.attemptId, attempt.fence, nonce);
    return done ? 'begun' : 'refused';
  } catch {
    // Whatever broke the call, the row may be `intent` with our nonce; the caller answers it and so undoes it.
    return 'unknown';
  }
}

function post(attempt: LeasedAttempt, payload: Payload, nonce: string, workshop: Workshop): Promise<SubmitResult> {
  const { order } = attempt;
  return workshop.provider.submit(
    {
      model: order.model,
      prompt: payload.prompt,
      imageUrl: payload.photoUrl,
      seconds: order.seconds,
      aspectRatio: aspectRatioOf(order.aspectRatio),
      audio: order.audio,
      ...(workshop.callbackAddress === undefined ? {} : { callbackUrl: `${workshop.callbackAddress}/${nonce}` }),
    },
    // Neither SIGTERM nor a lost lease aborts a paid call: its answer is the only thing that tells what was paid.
    AbortSignal.timeout(abortAfterMs),
  );
}

function aspectRatioOf(text: string): AspectRatio {
  return text === '16:9' || text === '1:1' ? text : '9:16';
}

function answerOf(result: SubmitResult): SubmitAnswer {
  switch (result.kind) {
    case 'accepted':
      return { kind: 'accepted', taskId: result.taskId };
    case 'unknown':
      return { kind: 'unknown' };
    case 'refused':
      return {
        kind: 'refused',
        resubmit: policyOf(result.failure).retry !== 'none',
        failureClass: result.failure,
        message: result.message,
        retryAfterSeconds: result.retryAfterSeconds ?? backoffSeconds(result.failure),
      };
  }
}

function afterAnswer(attempt: LeasedAttempt, nonce: string, answer: SubmitAnswer, state: string): Advanced {
  if (answer.kind === 'accepted' && state === 'accepted') {
    const accepted = { ...attempt, state, submitNonce: nonce, taskId: answer.taskId } as const;
    return { kind: 'again', afterSeconds: pollSeconds(attempt.usualSeconds), attempt: accepted };
  }
  if (answer.kind === 'refused' && state === 'ready') {
    return { kind: 'again', afterSeconds: answer.retryAfterSeconds, attempt };
  }
  if (state === 'rejected') return { kind: 'over', verdict: state };
  if (state === 'unknown') {
    return { kind: 'again', afterSeconds: pollSeconds(attempt.usualSeconds), attempt: { ...attempt, state } };
  }
  return { kind: 'lost', because: `the attempt is ${state} by now` };
}
