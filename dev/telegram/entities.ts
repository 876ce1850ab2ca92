import type { Entity } from './model.ts';
import { badRequest } from './refusal.ts';

export type Formatted = { readonly text: string; readonly entities: readonly Entity[] };

const kinds: Readonly<Record<string, string>> = {
  b: 'bold',
  strong: 'bold',
  i: 'italic',
  em: 'italic',
  u: 'underline',
  ins: 'underline',
  s: 'strikethrough',
  strike: 'strikethrough',
  del: 'strikethrough',
  'tg-spoiler': 'spoiler',
  span: 'spoiler',
  a: 'text_link',
  code: 'code',
  pre: 'pre',
  blockquote: 'blockquote',
  'tg-emoji': 'custom_emoji',
};

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };

type Open = { readonly tag: string; readonly attributes: ReadonlyMap<string, string>; readonly from: number };

/**
 * Text with Telegram's HTML, as text without tags and its entities (offsets in UTF-16 units, which is what JavaScript
 * counts in). Errors are worded as TDLib's parser words them (td/telegram/MessageEntity.cpp), byte offsets included.
 */
export function parseHtml(html: string): Formatted {
  let text = '';
  const entities: Entity[] = [];
  const open: Open[] = [];
  let at = 0;
  while (at < html.length) {
    const char = html[at] ?? '';
    if (char === '&') {
      const decoded = /^&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(lt|gt|amp|quot));?/i.exec(html.slice(at, at + 12));
      const replacement = decoded === null ? undefined : decodeReference(decoded);
      text += replacement ?? char;
      at += replacement === undefined ? 1 : (decoded?.[0].length ?? 1);
    } else if (char !== '<') {
      text += char;
      at += 1;
    } else if (html[at + 1] === '/') {
      at = closeTag(html, at, open, entities, text.length);
    } else {
      at = openTag(html, at, open, text.length);
    }
  }
  const left = open.at(-1);
  if (left !== undefined) throw cannot(`Can't find end tag corresponding to start tag "${left.tag}"`);
  return trimmed(text, entities);
}

/** What a text looks like after Telegram cleaned it: spaces around it are gone. */
export function trimmed(text: string, entities: readonly Entity[]): Formatted {
  const tailless = text.trimEnd();
  const clean = tailless.trimStart();
  const shift = tailless.length - clean.length;
  const kept: Entity[] = [];
  for (const entity of entities) {
    const start = Math.max(entity.offset - shift, 0);
    const end = Math.min(entity.offset - shift + entity.length, clean.length);
    if (end > start) kept.push({ ...entity, offset: start, length: end - start });
  }
  return { text: clean, entities: kept.toSorted((a, b) => a.offset - b.offset || b.length - a.length) };
}

function decodeReference(match: RegExpExecArray): string | undefined {
  const [, hex, decimal, name] = match;
  if (name !== undefined) return named[name.toLowerCase()];
  const code = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

function openTag(html: string, at: number, open: Open[], length: number): number {
  const where = byteOffset(html, at);
  const name = /^[^\s>]*/.exec(html.slice(at + 1))?.[0] ?? '';
  let next = at + 1 + name.length;
  if (next >= html.length) throw cannot(`Unclosed start tag at byte offset ${where}`);
  const tag = name.toLowerCase();
  if (kinds[tag] === undefined) throw cannot(`Unsupported start tag "${tag}" at byte offset ${where}`);
  const attributes = new Map<string, string>();
  const attribute = /^\s*([^\s=>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?/;
  for (;;) {
    const rest = html.slice(next);
    const end = /^\s*>/.exec(rest);
    if (end !== null) {
      open.push({ tag, attributes, from: length });
      if (tag === 'span' && attributes.get('class') !== 'tg-spoiler') {
        throw cannot(`Tag "span" must have class "tg-spoiler" at byte offset ${where}`);
      }
      return next + end[0].length;
    }
    const found = attribute.exec(rest);
    if (found === null) throw cannot(`Unclosed start tag "${tag}" at byte offset ${where}`);
    const value = (found[2] ?? found[3] ?? found[4] ?? '').replace(
      /&(lt|gt|amp|quot);/g,
      (_, key: string) => named[key] ?? '',
    );
    attributes.set((found[1] ?? '').toLowerCase(), value);
    next += found[0].length;
  }
}

function closeTag(html: string, at: number, open: Open[], entities: Entity[], length: number): number {
  const where = byteOffset(html, at);
  const last = open.pop();
  if (last === undefined) throw cannot(`Unexpected end tag at byte offset ${where}`);
  const found = /^<\/([^\s>]*)\s*(>?)/.exec(html.slice(at));
  if (found === null || found[2] !== '>') throw cannot(`Unclosed end tag at byte offset ${where}`);
  const name = (found[1] ?? '').toLowerCase();
  if (name !== '' && name !== last.tag) {
    throw cannot(`Unmatched end tag at byte offset ${where}, expected "</${last.tag}>", found "</${name}>"`);
  }
  const entity = entityOf(last, open, length);
  if (entity !== undefined) entities.push(entity);
  return at + found[0].length;
}

function entityOf(tag: Open, around: readonly Open[], end: number): Entity | undefined {
  const span = { offset: tag.from, length: end - tag.from };
  if (span.length === 0) return undefined;
  const type = kinds[tag.tag] ?? 'bold';
  if (type === 'text_link') {
    const url = tag.attributes.get('href') ?? '';
    // A link without a usable address is shown as plain text, not refused.
    return /^(https?|tg|mailto|tel):/i.test(url) ? { type, ...span, url } : undefined;
  }
  if (type === 'custom_emoji') return { type, ...span, custom_emoji_id: tag.attributes.get('emoji-id') ?? '' };
  if (type === 'blockquote' && tag.attributes.has('expandable')) return { type: 'expandable_blockquote', ...span };
  const outer = around.at(-1);
  // `<pre><code class="language-x">` is one entity: the pre.
  if (type === 'code' && outer?.tag === 'pre' && outer.from === tag.from) return undefined;
  return { type, ...span };
}

function byteOffset(html: string, at: number): number {
  return Buffer.byteLength(html.slice(0, at));
}

function cannot(what: string): Error {
  return badRequest(`can't parse entities: ${what}`);
}

/** The commands in a person's text, which clients mark before they send it. */
export function commandEntities(text: string): Entity[] {
  return [...text.matchAll(/(?<=^|\s)\/[A-Za-z0-9_]{1,32}(@\w+)?(?=$|\W)/g)].map((match) => ({
    type: 'bot_command',
    offset: match.index,
    length: match[0].length,
  }));
}
