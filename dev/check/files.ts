import { execFileSync } from 'node:child_process';

/**
 * The files git tracks, and the new ones it would, by their paths from the root of the checkout.
 *
 * @param patterns git pathspecs; `*.md` matches in every folder
 */
export function trackedFiles(root: string, patterns: readonly string[]): string[] {
  const list = (...options: readonly string[]): string[] =>
    execFileSync('git', ['ls-files', '-z', ...options, '--', ...patterns], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 2 ** 20,
    })
      .split('\0')
      .filter((file) => file !== '');
  const deleted = new Set(list('--deleted'));
  const files = list('--cached', '--others', '--exclude-standard').filter((file) => !deleted.has(file));
  return [...new Set(files)].sort();
}
