import { h } from './element.js';

const tags = {
  bold: 'strong',
  italic: 'em',
  underline: 'u',
  strikethrough: 's',
  code: 'code',
  pre: 'pre',
  blockquote: 'blockquote',
  expandable_blockquote: 'blockquote',
};

/**
 * Text with its entities as nodes. Addresses and commands that no entity marks become links, as Telegram's apps do.
 * @param onCommand called with a command that was clicked
 */
export function formatted(text, entities, onCommand) {
  const sorted = [...(entities ?? [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return part(text, 0, text.length, sorted, onCommand);
}

function part(text, from, to, entities, onCommand) {
  const nodes = [];
  let at = from;
  let rest = entities;
  while (rest.length > 0) {
    const [entity, ...others] = rest;
    const end = Math.min(entity.offset + entity.length, to);
    if (entity.offset > at) nodes.push(...plain(text.slice(at, entity.offset), onCommand));
    const inner = others.filter((other) => other.offset < end);
    const children = part(text, Math.max(entity.offset, at), end, inner, onCommand);
    nodes.push(wrapped(entity, children, text.slice(entity.offset, end), onCommand));
    at = end;
    rest = others.filter((other) => other.offset >= end);
  }
  if (at < to) nodes.push(...plain(text.slice(at, to), onCommand));
  return nodes;
}

function wrapped(entity, children, text, onCommand) {
  if (entity.type === 'text_link') return link(entity.url, children);
  if (entity.type === 'bot_command') return command(text, onCommand);
  if (entity.type === 'spoiler') {
    return h('span', { class: 'spoiler', onclick: (event) => event.currentTarget.classList.add('shown') }, ...children);
  }
  return h(tags[entity.type] ?? 'span', {}, ...children);
}

const found = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])|(?<![\w/])(\/[a-zA-Z0-9_]{1,32})(?![\w/])/g;

function plain(text, onCommand) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(found)) {
    nodes.push(text.slice(at, match.index));
    nodes.push(match[1] === undefined ? command(match[2], onCommand) : link(match[1], [match[1]]));
    at = match.index + match[0].length;
  }
  nodes.push(text.slice(at));
  return nodes.filter((node) => node !== '');
}

function link(url, children) {
  return h('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, ...children);
}

function command(text, onCommand) {
  const send = (event) => {
    event.preventDefault();
    onCommand(text);
  };
  return h('a', { href: '#', onclick: send }, text);
}
