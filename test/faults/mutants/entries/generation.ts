import type { SourceMutant } from '../source-mutant.ts';

const submit = 'src/generation/submit.ts';
const submitting = { lane: 'integration', file: 'test/integration/generation-submit.test.ts' } as const;
const effects = { lane: 'integration', file: 'test/integration/generation-effects.test.ts' } as const;
const following = { lane: 'integration', file: 'test/integration/generation-follow.test.ts' } as const;

/** Mistakes around the one paid call. */
export const generationMutants: readonly SourceMutant[] = [
  {
    name: 'submit an intent somebody else made',
    file: 'src/generation/advance.ts',
    find: "    case 'intent':\n    case 'unknown':",
    replace: "    case 'intent':\n      return begin(attempt, workshop);\n    case 'unknown':",
    row: 15,
    caughtBy: { ...effects, test: 'that another process began' },
  },
  {
    name: 'derive the nonce from the attempt',
    file: submit,
    find: 'const nonce = randomUUID();',
    replace: "const nonce = 'attempt-' + attempt.attemptId;",
    row: 17,
    caughtBy: { ...submitting, test: 'is repeated after a refusal that passes' },
  },
  {
    name: 'post after a begin_submit whose reply was lost',
    file: submit,
    find: "begun === 'unknown' || late ? notSent",
    replace: 'late ? notSent',
    row: 15,
    caughtBy: { ...submitting, test: 'whose reply is lost' },
  },
  {
    name: 'post however long ago begin_submit was asked for',
    file: submit,
    find: "begun === 'unknown' || late ? notSent",
    replace: "begun === 'unknown' ? notSent",
    row: 13,
    caughtBy: { ...effects, test: 'that took too long' },
  },
  {
    name: 'post although begin_submit was refused',
    file: submit,
    find: "  if (begun === 'refused') return { kind: 'lost', because: 'begin_submit was refused' };\n",
    replace: '',
    row: 14,
    caughtBy: { ...effects, test: 'that the database refused' },
  },
  {
    name: 'give the answer of a submit up when PostgreSQL is away',
    file: submit,
    find: 'await persist(() => answerSubmit(workshop.database, nonce, answer))',
    replace: 'await answerSubmit(workshop.database, nonce, answer)',
    row: 19,
    caughtBy: { ...effects, test: 'cannot be written at first' },
  },
  {
    name: 'take a lost reply of the provider for a refusal',
    file: submit,
    find: "      return { kind: 'unknown' };",
    replace: '      return notSent;',
    row: 16,
    caughtBy: { ...effects, test: 'surely no refusal' },
  },
  {
    name: 'treat 429 of the provider as final',
    file: submit,
    find: "resubmit: policyOf(result.failure).retry !== 'none'",
    replace: 'resubmit: false',
    row: 17,
    caughtBy: { ...submitting, test: 'is repeated after a refusal that passes' },
  },
  {
    name: 'abort the paid call at SIGTERM',
    file: submit,
    find: 'AbortSignal.timeout(abortAfterMs),',
    replace: 'AbortSignal.any([workshop.stopping, AbortSignal.timeout(abortAfterMs)]),',
    row: 18,
    caughtBy: { ...following, test: 'during the submit waits for its answer' },
  },
  {
    name: 'begin the paid call after SIGTERM',
    file: submit,
    find: "  if (workshop.stopping.aborted || workshop.lost.aborted) return { kind: 'again', afterSeconds: 0, attempt };\n\n",
    replace: '',
    row: 14,
    caughtBy: { ...effects, test: 'that was told to stop' },
  },
  {
    name: 'take a task that is not visible for a failed one',
    file: 'src/generation/collect.ts',
    find: "    case 'unseen':\n      return again();",
    replace: "    case 'unseen':\n      return failed(attempt, 'provider-lost', 'gone', workshop);",
    row: 22,
    caughtBy: { ...following, test: 'says nothing about it' },
  },
  {
    name: 'take a callback at its word',
    file: 'src/controller/hints.ts',
    find: "    case 'no':\n",
    replace:
      "    case 'no': {\n      await adoptCallback(database, hint.nonce, hint.taskId);\n      return;\n    }\n    case 'never':\n",
    row: 21,
    caughtBy: { lane: 'integration', file: 'test/integration/attack-callback.test.ts', cluster: true },
  },
  {
    name: 'work on with a lease that somebody else took',
    file: 'src/runner/lease-keeper.ts',
    find: "      if (!held) return lost.abort(new Error('another execution took the lease'));\n",
    replace: '',
    row: 31,
    caughtBy: { lane: 'unit', file: 'src/runner/lease-keeper.test.ts' },
  },
  {
    name: 'work on with a lease that could not be renewed for its whole life',
    file: 'src/runner/lease-keeper.ts',
    find: 'if (Date.now() - renewedAt > leaseMs)',
    replace: 'if (Date.now() - renewedAt > 1000 * leaseMs)',
    row: 45,
    caughtBy: { lane: 'unit', file: 'src/runner/lease-keeper.test.ts' },
  },
  {
    name: 'give up what was learned outside at the first outage of PostgreSQL',
    file: 'src/postgres/persist.ts',
    find: 'if (!isUnavailable(error) || signal?.aborted === true) throw error;',
    replace: 'throw error;',
    row: 19,
    caughtBy: { ...effects, test: 'cannot be written at first' },
  },
];
