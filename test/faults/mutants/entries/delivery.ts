import type { SourceMutant } from '../source-mutant.ts';

const deliver = 'src/delivery/deliver.ts';
const pod = { lane: 'integration', file: 'test/integration/delivery-pod.test.ts' } as const;

const effects = { lane: 'integration', file: 'test/integration/delivery-effects.test.ts' } as const;

/** Mistakes around the edit that shows the video. */
export const deliveryMutants: readonly SourceMutant[] = [
  {
    name: 'try again and again without a lease',
    file: 'src/runner/deliver.ts',
    find: "    if (kept.lost.aborted) return afterLoss(kept, 'the lease was lost');\n    if (until",
    replace: '    if (until',
    row: null,
    caughtBy: { ...pod, test: 'ends the pod at once' },
  },
  {
    name: 'edit without begin_edit',
    file: deliver,
    find: '  const refusal = await begin(lease, nonce, desk);\n  if (refusal !== null) return refusal;\n  // The commit is too old',
    replace: '  // The commit is too old',
    row: 27,
    caughtBy: { ...effects, test: 'begun in the books' },
  },
  {
    name: 'edit however long ago begin_edit was asked for',
    file: deliver,
    find: '  if (Date.now() - asked > startWithinMs) return refuse(lease, messageId, nonce, notSent, desk);\n',
    replace: '',
    row: 27,
    caughtBy: { ...effects, test: 'that took too long' },
  },
  {
    name: 'take an edit without an answer for a refused one',
    file: deliver,
    find: "answerEdit(desk.database, nonce, { kind: 'unknown', failureClass: answer.failureClass })",
    replace: 'answerEdit(desk.database, nonce, notSent)',
    row: 27,
    caughtBy: { ...effects, test: 'without an answer leaves' },
  },
  {
    name: 'leave an edit open that was surely not sent',
    file: deliver,
    find: "  await persist(() => answerEdit(desk.database, nonce, notSent));\n  return { kind: 'lost'",
    replace: "  return { kind: 'lost'",
    row: 27,
    caughtBy: { ...effects, test: 'lost with the lease' },
  },
  {
    name: 'give the news of a shown video up when PostgreSQL is away',
    file: deliver,
    find: 'await persist(() => recordShown(desk.database, orderId, nonce, answer))',
    replace: 'await recordShown(desk.database, orderId, nonce, answer)',
    row: 29,
    caughtBy: { ...effects, test: 'cannot be written at first' },
  },
  {
    name: 'abort the edit at SIGTERM',
    file: deliver,
    find: 'AbortSignal.timeout(abortAfterMs),',
    replace: 'AbortSignal.any([desk.stopping, AbortSignal.timeout(abortAfterMs)]),',
    row: 26,
    caughtBy: { ...pod, test: 'during the edit waits for its answer' },
  },
  {
    name: 'begin an edit after SIGTERM',
    file: deliver,
    find: '  if (desk.stopping.aborted || desk.lost.aborted) return again(known, 0, 0);\n',
    replace: '',
    row: 26,
    caughtBy: { ...effects, test: 'that was told to stop' },
  },
  {
    name: 'send a placeholder of its own beside another sender’s',
    file: deliver,
    find: "    return adopted.messageId ?? { kind: 'lost', because: 'no message was adopted' };",
    replace: '    return adopted.messageId === null ? answer.messageId : answer.messageId;',
    row: 31,
    caughtBy: { ...effects, test: 'the first of two senders' },
  },
  {
    name: 'show a captured video without begin_showing',
    file: 'src/delivery/showing.ts',
    find: "  const begun = await beginShowing(database, showing.orderId, showing.fence, nonce);\n  if (!begun.done) return 'lost';\n",
    replace: '',
    row: 27,
    caughtBy: { lane: 'integration', file: 'test/integration/delivery-showing.test.ts' },
  },
];
