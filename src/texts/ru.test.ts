import { expect, it } from 'vitest';
import { ru } from './ru.ts';

const progress = (stage: 'accepted' | 'generating', usualSeconds: number, elapsedSeconds = 0): string =>
  ru.progress({ stage, place: null, usualSeconds, elapsedSeconds, position: 1, count: 1 });

it.each([
  [60, 'около 1 минуты'],
  [120, 'около 2 минут'],
  [300, 'около 5 минут'],
  [21 * 60, 'около 21 минуты'],
])('says how long %i s are in the genitive', (seconds, words) => {
  expect(progress('accepted', seconds)).toContain(words);
});

it('counts elapsed minutes in the nominative', () => {
  expect(progress('generating', 300, 60)).toContain('Прошло: 1 минута,');
  expect(progress('generating', 300, 180)).toContain('Прошло: 3 минуты,');
});
