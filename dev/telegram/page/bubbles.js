import { h, icon } from './element.js';
import { formatted } from './formatted.js';
import { clock, size, word } from './words.js';

const widest = 420;
const tallest = 460;

/**
 * One message as Telegram shows it. A video or photo that is shown already keeps its element, so that a new caption or
 * keyboard does not start it again.
 * @param acts what clicks do: press, pay, view, command
 */
export function bubble(message, context, before) {
  const note = serviceNote(message, context.botName);
  if (note !== undefined) return h('li', { class: 'service', 'data-message-id': message.message_id }, note);
  const words = message.text ?? message.caption;
  const item = h('li', {
    class: `message ${message.from === 'bot' ? 'in' : 'out'}`,
    'data-message-id': message.message_id,
    'data-kind': kindOf(message),
  });
  const media = mediaOf(message, context, before);
  const box = h('div', { class: 'bubble' });
  if (media !== undefined && words === undefined) {
    box.classList.add('media-only', message.video === undefined ? 'photo' : 'video');
  }
  box.append(
    ...[
      replyOf(message, context),
      media,
      message.document === undefined ? undefined : documentOf(message.document),
      message.invoice === undefined ? undefined : invoiceOf(message.invoice),
    ].filter((each) => each !== undefined),
  );
  if (words !== undefined) {
    const entities = message.text === undefined ? message.caption_entities : message.entities;
    const text = h('div', { class: 'words' }, ...formatted(words, entities, context.command));
    text.append(stamp(message));
    box.append(text);
  } else box.append(stamp(message));
  item.append(box);
  if (message.reply_markup?.inline_keyboard !== undefined) item.append(rows(message, context));
  return item;
}

function kindOf(message) {
  return ['video', 'photo', 'document', 'invoice'].find((kind) => message[kind] !== undefined) ?? 'text';
}

/** What a chat list says about a message. */
export function summary(message, botName) {
  const note = serviceNote(message, botName);
  if (note !== undefined) return note;
  const kind = { video: 'videoWord', photo: 'photoWord', document: 'fileWord', invoice: 'invoice' }[kindOf(message)];
  const words = message.text ?? message.caption ?? message.invoice?.title;
  if (kind === undefined) return words ?? '';
  return words === undefined ? word(kind) : `${word(kind)}, ${words}`;
}

function serviceNote(message, botName) {
  if (message.successful_payment !== undefined) {
    return word('paidNote', message.successful_payment.total_amount, botName);
  }
  if (message.refunded_payment !== undefined) {
    return word('refundNote', message.refunded_payment.total_amount, botName);
  }
  return undefined;
}

function stamp(message) {
  const made = h('span', { class: 'stamp' });
  if (message.edit_date !== undefined) made.append(h('span', { class: 'edited' }, word('edited')));
  made.append(h('time', {}, clock(message.date)));
  if (message.from === 'user') made.append(icon('tick'));
  return made;
}

function replyOf(message, context) {
  if (message.reply_to_message_id === undefined) return undefined;
  const original = context.message(message.reply_to_message_id);
  if (original === undefined || original.deleted) return undefined;
  const author = original.from === 'bot' ? context.botName : word('you');
  return h('span', { class: 'reply' }, h('b', {}, author), summary(original, context.botName));
}

function mediaOf(message, context, before) {
  const file = message.video ?? message.photo;
  if (file === undefined) return undefined;
  const kept = before?.querySelector(`.media[data-file="${file.file_id}"]`);
  if (kept) return kept;
  const source = `/dev/files/${file.file_id}`;
  const width = file.width || 480;
  const height = file.height || 480;
  const scale = Math.min(widest / width, tallest / height, Math.max(1, 300 / width));
  const made = h('div', { class: 'media', 'data-file': file.file_id });
  made.style.width = `${Math.round(width * scale)}px`;
  made.style.aspectRatio = `${width} / ${height}`;
  if (message.video === undefined) {
    made.append(h('img', { src: source, alt: word('photoWord'), onclick: () => context.view(source) }));
  } else made.append(videoOf(file, source));
  return made;
}

function videoOf(file, source) {
  const video = h('video', { src: source, controls: true, loop: true, playsinline: true, autoplay: true });
  if (file.thumbnail !== undefined) video.poster = `/dev/files/${file.thumbnail}`;
  // As a property too: browsers let only a muted video start by itself, and look at the property.
  video.muted = true;
  return video;
}

function documentOf(file) {
  return h(
    'a',
    { class: 'document', href: `/dev/files/${file.file_id}`, download: file.file_name ?? '' },
    h('i', {}, icon('file')),
    h('span', {}, h('b', {}, file.file_name ?? word('fileWord')), h('small', {}, size(file.file_size))),
  );
}

function invoiceOf(invoice) {
  return h(
    'div',
    { class: 'invoice' },
    h('b', {}, invoice.title),
    h('div', { class: 'words' }, invoice.description),
    h(
      'span',
      { class: 'sum' },
      icon('star'),
      String(invoice.total_amount),
      invoice.paid ? ` · ${word('paidAlready')}` : '',
    ),
  );
}

function rows(message, context) {
  const made = h('div', { class: 'rows' });
  for (const row of message.reply_markup.inline_keyboard) {
    made.append(h('div', {}, ...row.map((button) => buttonOf(button, message, context))));
  }
  return made;
}

function buttonOf(button, message, context) {
  if (button.pay) {
    const label = message.invoice?.paid ? word('paidAlready') : button.text.replace(/\u2b50\ufe0f?/g, '').trim();
    const made = h(
      'button',
      { type: 'button', class: 'pay', onclick: () => context.pay({ message_id: message.message_id }, message.invoice) },
      label,
    );
    made.disabled = message.invoice?.paid === true;
    return made;
  }
  if (button.url !== undefined) {
    const slug = /^https:\/\/t\.me\/\$([\w-]+)$/.exec(button.url)?.[1];
    if (slug !== undefined) {
      return h('button', { type: 'button', onclick: () => context.pay({ link: button.url }) }, button.text);
    }
    return h('a', { class: 'link', href: button.url, target: '_blank', rel: 'noopener noreferrer' }, button.text);
  }
  if (button.copy_text !== undefined) {
    return h(
      'button',
      { type: 'button', onclick: () => navigator.clipboard?.writeText(button.copy_text.text) },
      button.text,
    );
  }
  const pressed = (event) => context.press(message, button, event.currentTarget);
  return h('button', { type: 'button', 'data-data': button.callback_data, onclick: pressed }, button.text);
}
