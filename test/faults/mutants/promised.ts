/**
 * Changes that the protocol promises to survive: that nothing notices them is the promise kept, not a test missing. They are tried all
 * the same, because an oracle that did notice one would have found a broken promise.
 */
const PROMISED: Readonly<Record<string, readonly string[]>> = {};

/** The promise that makes a change of an effect harmless; undefined where there is none. */
export function promised(way: 'skip' | 'double' | 'swap', effect: string): string | undefined {
  if (way === 'double' && effect !== 'createTask') return 'as promised: whatever arrives twice is one';
  return PROMISED[way]?.includes(effect) === true ? 'as promised: it is asked for again' : undefined;
}

/** Why nothing notices a change that is no promise: what the next reader of a survivor asks first. */
const UNNOTICED: Readonly<Record<string, string>> = {
  'skip take_submit_token':
    'no schedule submits 20 times in 10 s; the rate itself has its test in test/integration/ledger-contest.test.ts',
  'swap take_submit_token': 'no schedule submits 20 times in 10 s',
  'skip close_overdue_holds':
    'no schedule lasts 24 hours; that clock has its test in test/integration/ledger-ends.test.ts',
  'swap close_overdue_holds': 'no schedule lasts 24 hours',
  'skip renew_attempt': 'a lease that ends early costs time: the fence keeps its loser from every effect',
  'swap renew_attempt': 'a lease that ends early costs time: the fence keeps its loser from every effect',
  'swap begin_edit':
    'a generated video is never given back, so an edit before its begin can only be told as unconfirmed',
  'swap answer_submit': 'whoever dies in between leaves an intent, which is never submitted again',
  'swap record_prompt': 'another execution writes another prompt, at no cost',
  'swap record_photo_url': 'another execution uploads again, at no cost',
  'swap upload': 'the address is known before the photo is asked for',
};

/** The reason why a change was not noticed, as far as it is known. */
export function unnoticed(way: 'skip' | 'double' | 'swap', effect: string): string {
  const known = UNNOTICED[`${way} ${effect}`];
  if (known !== undefined) return known;
  return way === 'swap'
    ? 'its successor does not depend on it, and the next pass does what was left'
    : 'no reason is known';
}
