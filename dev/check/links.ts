import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { trackedFiles } from './files.ts';

/** A link in a document: where it stands and where it points. */
export type Link = { readonly line: number; readonly target: string };

const ELSEWHERE = /^[a-z][a-z0-9+.-]*:/i;

/**
 * One line per relative link in a `*.md` file that leads nowhere: a file that is not there, or a heading that is not in
 * it. Links to other hosts are not followed: a check must not need the network.
 */
export async function brokenLinks(root: string): Promise<string[]> {
  const broken: string[] = [];
  for (const file of trackedFiles(root, ['*.md'])) {
    for (const { line, target } of linksIn(await readFile(join(root, file), 'utf8'))) {
      const fault = ELSEWHERE.test(target) ? undefined : await faultOf(root, file, target);
      if (fault !== undefined) broken.push(`${file}:${line}: ${target}: ${fault}`);
    }
  }
  return broken;
}

async function faultOf(root: string, from: string, target: string): Promise<string | undefined> {
  const [path = '', anchor] = target.split('#', 2);
  const file = path === '' ? from : normalize(join(dirname(from), decodeURIComponent(path)));
  if (file.startsWith('..')) return 'leads out of the repository';
  if (!existsSync(join(root, file))) return 'no such file';
  if (anchor === undefined || !file.endsWith('.md') || !statSync(join(root, file)).isFile()) return undefined;
  return anchorsIn(await readFile(join(root, file), 'utf8')).includes(anchor) ? undefined : 'no such heading';
}

/** Links and pictures of a document, in Markdown and in HTML, except those inside code. */
export function linksIn(markdown: string): Link[] {
  return withoutCode(markdown).flatMap((text, index) => {
    const inMarkdown = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)];
    const defined = [...text.matchAll(/^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?(?:\s|$)/g)];
    const inHtml = [...text.matchAll(/<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)="([^"]+)"/g)];
    return [...inMarkdown, ...defined, ...inHtml].map((match) => ({ line: index + 1, target: match[1] ?? '' }));
  });
}

/** The anchors GitHub gives to the headings of a document, and those it names itself. */
export function anchorsIn(markdown: string): string[] {
  const seen = new Map<string, number>();
  return withoutCode(markdown, { keepSpans: true }).flatMap((text) => {
    const named = [...text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)].map((match) => match[1] ?? '');
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    if (heading === undefined) return named;
    const slug = slugOf(heading);
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return [...named, count === 0 ? slug : `${slug}-${count}`];
  });
}

function slugOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** The lines of a document with fenced blocks emptied, and code spans too, so that line numbers stay true. */
function withoutCode(markdown: string, { keepSpans = false } = {}): string[] {
  let fence: string | undefined;
  return markdown.split('\n').map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true && line.trim() === mark) fence = undefined;
      return '';
    }
    if (mark !== undefined) {
      fence = mark;
      return '';
    }
    return keepSpans ? line : line.replace(/(`+)[^`].*?\1/g, '');
  });
}
