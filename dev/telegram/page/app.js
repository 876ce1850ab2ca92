import { backend } from './backend.js';
import { bubble, summary } from './bubbles.js';
import { startComposer } from './composer.js';
import { alertBox, payBox, toast, viewer } from './dialogs.js';
import { h } from './element.js';
import { clock, day, language, setLanguage, word, wordIn } from './words.js';

const $ = (selector) => document.querySelector(selector);
const faces = ['#e17076', '#7bc862', '#65aadd', '#a695e7', '#ee7aae', '#6ec9cb', '#faa774'];

const state = { bot: undefined, chats: new Map(), open: undefined, messages: new Map(), unread: new Map() };

/* What the person sees of the bot */

function localized(texts) {
  const code = state.chats.get(state.open)?.user.language_code.slice(0, 2) ?? language();
  return texts[code] ?? texts[''] ?? undefined;
}

function commands() {
  const { commands: lists } = state.bot;
  const code = language();
  return lists[`${code}@${state.open}`] ?? lists[`@${state.open}`] ?? lists[code] ?? lists[''] ?? [];
}

function showBot() {
  const { firstName, username } = state.bot;
  document.title = firstName;
  $('#bot-name').textContent = firstName;
  $('#info-name').textContent = firstName;
  $('#info-username').textContent = `@${username}`;
  $('#info-short').textContent = localized(state.bot.shortDescription) ?? '';
  composer.setCommands(commands());
}

/* The list of chats */

function showList() {
  const rows = [...state.chats.values()].sort(
    (a, b) => (b.last?.message_id ?? b.chat) - (a.last?.message_id ?? a.chat),
  );
  $('#chats').replaceChildren(...rows.map(rowOf));
  $('#nothing').hidden = state.chats.size > 0;
}

function rowOf(chat) {
  const { user, last } = chat;
  const face = h('span', { class: 'face' }, [...user.first_name][0] ?? '?');
  face.style.background = faces[chat.chat % faces.length];
  const unread = state.unread.get(chat.chat) ?? 0;
  const go = (event) => {
    event.preventDefault();
    openChat(chat.chat);
  };
  return h(
    'a',
    { href: `/chat/${chat.chat}`, 'aria-current': chat.chat === state.open ? 'page' : undefined, onclick: go },
    face,
    h('span', { class: 'name' }, user.first_name, h('span', { class: 'tag' }, user.language_code.toUpperCase())),
    h('time', {}, last === undefined ? '' : clock(last.date)),
    h('span', { class: 'last' }, last === undefined ? '' : summary(last, state.bot.firstName)),
    unread > 0 ? h('span', { class: 'unread' }, String(unread)) : h('span'),
  );
}

/* The open chat */

const acts = {
  get botName() {
    return state.bot.firstName;
  },
  message: (id) => state.messages.get(id),
  view: (source) => viewer(source),
  command: (text) => attempt(() => backend.say(state.open, text)),
  async press(message, button, element) {
    element.classList.add('waiting');
    const done = await attempt(() => backend.press(state.open, message.message_id, button.callback_data));
    element.classList.remove('waiting');
    if (done === undefined) return;
    if (!done.answered) toast(word('noAnswer'));
    else if (done.show_alert) await alertBox(state.bot.firstName, done.text);
    else if (done.text) toast(done.text);
    if (done.url) window.open(done.url, '_blank', 'noopener');
  },
  async pay(place, invoice) {
    const shown = invoice ?? { title: state.bot.firstName, total_amount: '' };
    if (!(await payBox(shown, state.bot.firstName))) return;
    toast(word('paying'));
    const done = await attempt(() => backend.pay(state.open, place));
    if (done?.ok) toast(word('paidToast', shown.total_amount));
    else if (done) await alertBox(word('invoice'), done.error_message);
  },
};

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    toast(error.message);
    return undefined;
  }
}

async function openChat(id, push = true) {
  const chat = await attempt(() => freshChat(id));
  if (chat === undefined) return;
  state.open = id;
  state.unread.delete(id);
  const { messages, ...head } = chat;
  state.chats.set(id, { ...state.chats.get(id), ...head });
  state.messages = new Map(messages.map((message) => [message.message_id, message]));
  if (push && location.pathname !== `/chat/${id}`) history.pushState({}, '', `/chat/${id}`);
  setStatus();
  showChat();
  $('#messages').replaceChildren();
  for (const message of state.messages.values()) place(message, false);
  afterMessages();
  scrollDown();
  composer.focus();
}

/** The chat as it is: asked for again when something happened while the answer was on its way. */
async function freshChat(id) {
  for (let tries = 0; ; tries += 1) {
    const before = eventCount;
    const chat = await backend.chat(id);
    if (before === eventCount || tries === 5) return chat;
  }
}

function showChat() {
  const chat = state.chats.get(state.open);
  if (chat === undefined) return;
  setLanguage(chat.user.language_code);
  $('#chat').hidden = false;
  if (matchMedia('(min-width: 1181px)').matches && $('#info').dataset.closed === undefined) $('#info').hidden = false;
  $('#person-name').textContent = chat.user.first_name;
  $('#person-id').textContent = chat.chat;
  for (const each of document.querySelectorAll('[data-language]')) {
    each.setAttribute('aria-pressed', String(chat.user.language_code.startsWith(each.dataset.language)));
  }
  $('#block').textContent = word(chat.blocked ? 'unblock' : 'block');
  showBot();
  showList();
  setStatus();
  afterMessages();
}

/** Puts a message where it belongs, or in the place of its earlier self. */
function place(message, isFresh) {
  const list = $('#messages');
  const before = list.querySelector(`[data-message-id="${message.message_id}"]`);
  if (message.deleted) {
    before?.remove();
    return;
  }
  const made = bubble(message, acts, before);
  if (before !== null) {
    before.replaceWith(made);
    return;
  }
  if (isFresh) made.classList.add('fresh');
  const later = [...list.children].find((each) => Number(each.dataset.messageId) > message.message_id);
  list.insertBefore(made, later ?? null);
}

/** Day marks, tails, the reply keyboard and what stands under the chat follow from the messages. */
function afterMessages() {
  const list = $('#messages');
  for (const mark of list.querySelectorAll('.day')) mark.remove();
  let lastDay;
  const items = [...list.children];
  items.forEach((item, index) => {
    const message = state.messages.get(Number(item.dataset.messageId));
    if (message === undefined) return;
    const label = day(message.date);
    if (label !== lastDay) list.insertBefore(h('li', { class: 'day' }, label), item);
    lastDay = label;
    const next = state.messages.get(Number(items[index + 1]?.dataset.messageId));
    const hasKeyboard = message.reply_markup?.inline_keyboard !== undefined;
    item.classList.toggle('tail', !hasKeyboard && next?.from !== message.from);
  });
  const chat = state.chats.get(state.open);
  const shown = [...state.messages.values()].filter((message) => !message.deleted);
  composer.setKeyboard(replyKeyboard(shown));
  composer.setMode(chat?.blocked ? 'blocked' : shown.length === 0 ? 'start' : 'open');
  const description = localized(state.bot.description);
  $('#about').hidden = shown.length > 0 || !description;
  if (description) $('#about').replaceChildren(h('strong', {}, word('whatCan')), description);
}

function replyKeyboard(messages) {
  const last = messages.findLast((message) => {
    const markup = message.from === 'bot' ? message.reply_markup : undefined;
    return markup?.keyboard !== undefined || markup?.remove_keyboard === true;
  });
  const markup = last?.reply_markup;
  if (markup?.keyboard === undefined) return undefined;
  const wasUsed = messages.some((message) => message.from === 'user' && message.message_id > last.message_id);
  return markup.one_time_keyboard && wasUsed ? undefined : markup;
}

function isAtBottom() {
  const scroll = $('#scroll');
  return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 140;
}

function scrollDown(isSmooth = false) {
  const scroll = $('#scroll');
  scroll.scrollTo({ top: scroll.scrollHeight, behavior: isSmooth ? 'smooth' : 'instant' });
}

/* What happens meanwhile */

let actionTimer;
let eventCount = 0;

function setStatus(action) {
  const chat = state.chats.get(state.open);
  clearTimeout(actionTimer);
  $('#status').classList.toggle('busy', action !== undefined);
  $('#status').textContent = action === undefined ? word(chat?.blocked ? 'blocked' : 'bot') : word(action);
  // Telegram shows an action for five seconds, or until the bot's message comes.
  if (action !== undefined) actionTimer = setTimeout(() => setStatus(), 5000);
}

function onMessage({ chat: id, message }) {
  const chat = state.chats.get(id);
  if (chat === undefined) return void refreshList();
  const isNewest = message.message_id >= (chat.last?.message_id ?? 0);
  if (isNewest && !message.deleted) state.chats.set(id, { ...chat, last: message });
  if (id !== state.open) {
    if (message.from === 'bot' && message.edit_date === undefined && !message.deleted) {
      state.unread.set(id, (state.unread.get(id) ?? 0) + 1);
    }
    return showList();
  }
  const wasAtBottom = isAtBottom();
  const isNew = !state.messages.has(message.message_id);
  state.messages.set(message.message_id, message);
  place(message, isNew);
  afterMessages();
  showList();
  if (message.from === 'bot') setStatus();
  if (wasAtBottom || (isNew && message.from === 'user')) scrollDown(isNew);
}

async function refreshList() {
  const chats = await attempt(() => backend.chats());
  if (chats === undefined) return;
  state.chats = new Map(chats.map((chat) => [chat.chat, chat]));
  showList();
  if (state.open !== undefined) showChat();
  else if (chats.length > 0) await openChat(wanted());
}

/** The chat to show first: the one in the address, else the oldest. */
function wanted() {
  const named = Number(/^\/chat\/(\d+)$/.exec(location.pathname)?.[1]);
  return state.chats.has(named) ? named : state.chats.keys().next().value;
}

function listen() {
  const events = new EventSource('/dev/events');
  let wasLost = false;
  events.onopen = () => {
    if (wasLost && state.open !== undefined) void refreshList().then(() => openChat(state.open, false));
    wasLost = false;
  };
  events.onerror = () => {
    wasLost = true;
    toast(word('lost'));
  };
  events.onmessage = async ({ data }) => {
    eventCount += 1;
    const event = JSON.parse(data);
    if (event.type === 'message') onMessage(event);
    else if (event.type === 'chat') await refreshList();
    else if (event.type === 'action' && event.chat === state.open) setStatus(event.action);
    else if (event.type === 'profile') {
      state.bot = await backend.bot();
      showChat();
    }
  };
}

/* What the person does outside the composer */

async function newCustomer(code) {
  const names = [...state.chats.values()].map((chat) => chat.user.first_name);
  let number = names.length + 1;
  while (names.includes(wordIn(code, 'newName', number))) number += 1;
  const chat = await attempt(() =>
    backend.addChat({ language_code: code, first_name: wordIn(code, 'newName', number) }),
  );
  if (chat !== undefined) await openChat(chat.chat);
}

for (const button of document.querySelectorAll('[data-new]')) {
  button.addEventListener('click', () => void newCustomer(button.dataset.new));
}
for (const button of document.querySelectorAll('[data-language]')) {
  button.addEventListener('click', () =>
    attempt(() => backend.changeChat(state.open, { language_code: button.dataset.language })),
  );
}
$('#block').addEventListener('click', () => {
  const isBlocked = state.chats.get(state.open)?.blocked === true;
  void attempt(() => backend.changeChat(state.open, { blocked: !isBlocked }));
});
$('#info-toggle').addEventListener('click', () => {
  const info = $('#info');
  info.hidden = !info.hidden;
  if (info.hidden) info.dataset.closed = '';
  else delete info.dataset.closed;
});
$('#down').addEventListener('click', () => scrollDown(true));
$('#scroll').addEventListener('scroll', () => {
  $('#down').hidden = isAtBottom();
});
// Pictures and videos get their height late; who was at the bottom stays there.
new ResizeObserver(() => {
  if ($('#down').hidden) scrollDown();
}).observe($('#messages'));
window.addEventListener('popstate', () => {
  const id = Number(/^\/chat\/(\d+)$/.exec(location.pathname)?.[1]);
  if (state.chats.has(id)) void openChat(id, false);
});

const composer = startComposer({
  chat: () => state.open,
  attempt,
  async unblock() {
    await attempt(() => backend.changeChat(state.open, { blocked: false }));
    await attempt(() => backend.say(state.open, '/start'));
  },
});

setLanguage(language());
state.bot = await backend.bot();
showBot();
listen();
await refreshList();
