import { h, icon } from './element.js';
import { size, word } from './words.js';

const dialog = document.querySelector('#dialog');
const toastBox = document.querySelector('#toast');
let toastTimer;

export function toast(text) {
  toastBox.textContent = text;
  toastBox.hidden = true;
  // Shown anew, so that the same words twice are seen twice.
  requestAnimationFrame(() => {
    toastBox.hidden = false;
  });
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    toastBox.hidden = true;
  }, 4000);
}

/** Shows a box; the promise gives what `close` was called with, undefined when the person left. */
function box(build, className = '') {
  return new Promise((resolve) => {
    let result;
    const close = (value) => {
      result = value;
      dialog.close();
    };
    dialog.className = className;
    dialog.replaceChildren(...build(close));
    dialog.onclose = () => resolve(result);
    dialog.onclick = (event) => {
      if (event.target === dialog) dialog.close();
    };
    dialog.showModal();
  });
}

export function alertBox(title, text) {
  return box((close) => [
    h('h3', {}, title),
    h('p', { class: 'alert-text' }, text),
    h('menu', {}, h('button', { type: 'button', class: 'plain', onclick: () => close(true) }, word('ok'))),
  ]);
}

export function viewer(source) {
  return box((close) => [h('img', { src: source, alt: '', onclick: () => close() })], 'viewer');
}

export function payBox(invoice, botName) {
  return box((close) => [
    h('h3', {}, word('payTitle')),
    h('p', {}, word('payText', invoice.title, botName)),
    h('div', { class: 'price' }, icon('star'), String(invoice.total_amount)),
    h(
      'menu',
      {},
      h('button', { type: 'button', class: 'plain', onclick: () => close(false) }, word('cancel')),
      h('button', { type: 'button', class: 'primary', onclick: () => close(true) }, word('pay')),
    ),
  ]);
}

/** Asks how to send a file. Gives `{ kind, caption }`, or undefined when the person thought better of it. */
export function sendBox(file, asPhoto) {
  const isPicture = /^image\/(jpeg|png|webp|gif)$/.test(file.type);
  return box((close) => {
    const caption = h('input', { type: 'text', maxlength: '1024', placeholder: word('caption') });
    const compress = h('input', { type: 'checkbox' });
    compress.checked = isPicture && asPhoto;
    const send = () => close({ kind: isPicture && compress.checked ? 'photo' : 'document', caption: caption.value });
    caption.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') {
        event.preventDefault();
        send();
      }
    });
    queueMicrotask(() => setTimeout(() => caption.focus()));
    const preview = isPicture
      ? h('img', { class: 'preview', src: URL.createObjectURL(file), alt: '' })
      : h('div', { class: 'filename' }, icon('file'), h('span', {}, `${file.name}, ${size(file.size)}`));
    return [
      h('h3', {}, word(isPicture ? 'sendPhoto' : 'sendFile')),
      preview,
      ...(isPicture ? [h('label', { class: 'check' }, compress, word('compress'))] : []),
      caption,
      h(
        'menu',
        {},
        h('button', { type: 'button', class: 'plain', onclick: () => close() }, word('cancel')),
        h('button', { type: 'button', class: 'primary', id: 'dialog-send', onclick: send }, word('send')),
      ),
    ];
  });
}
