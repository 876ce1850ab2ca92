import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceMutants } from './entries/all.ts';

/** One line for each mutant whose place is gone, is there more than once, or whose test file is not there. */
export function mutantsThatDoNotApply(root: string): string[] {
  const names = sourceMutants.map(({ name }) => name);
  return sourceMutants.flatMap(({ name, file, find, replace, caughtBy }, index) => {
    const path = join(root, file);
    const times = existsSync(path) ? readFileSync(path, 'utf8').split(find).length - 1 : 0;
    return [
      ...(times === 1 ? [] : [`"${name}": its text stands ${times} times in ${file}, not once; adapt the entry.`]),
      ...(existsSync(join(root, caughtBy.file)) ? [] : [`"${name}": there is no ${caughtBy.file}.`]),
      ...(find === replace ? [`"${name}": it changes nothing.`] : []),
      ...(names.indexOf(name) === index ? [] : [`"${name}": there are two of that name.`]),
    ];
  });
}
