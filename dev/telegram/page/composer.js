import { backend } from './backend.js';
import { sendBox } from './dialogs.js';
import { h } from './element.js';

const $ = (selector) => document.querySelector(selector);

/**
 * Everything under the chat: text, files, commands, the bot's keyboard, Start and Unblock.
 * @param host what the page gives it: the open chat, `attempt` (errors become a toast) and `unblock`
 */
export function startComposer(host) {
  const input = $('#input');
  const menus = [$('#commands'), $('#attach-menu')];
  let keyboard;
  let isKeyboardShown = true;

  const say = (text) => host.attempt(() => backend.say(host.chat(), text));

  const closeMenus = () => {
    for (const menu of menus) menu.hidden = true;
  };

  function grow() {
    $('#send').disabled = input.value.trim() === '';
    input.style.height = 'auto';
    input.style.height = `${Math.min(input.scrollHeight, 200)}px`;
  }

  async function submit() {
    const text = input.value.trim();
    if (text === '') return;
    input.value = '';
    grow();
    // What could not be sent comes back into the field.
    if ((await say(text)) === undefined) input.value = text;
    grow();
  }

  async function sendFile(file, asPhoto = true) {
    closeMenus();
    const choice = await sendBox(file, asPhoto);
    if (choice === undefined) return;
    await host.attempt(() => backend.sendFile(host.chat(), choice.kind, file, choice.caption));
    input.focus();
  }

  function showKeyboard() {
    const rows = keyboard?.keyboard;
    $('#keyboard-toggle').hidden = rows === undefined;
    $('#keyboard').hidden = rows === undefined || !isKeyboardShown || $('#composer').hidden;
    if (rows === undefined) return;
    $('#keyboard').replaceChildren(
      ...rows.map((row) =>
        h(
          'div',
          {},
          ...row.map((button) => h('button', { type: 'button', onclick: () => say(button.text) }, button.text)),
        ),
      ),
    );
  }

  $('#composer').addEventListener('submit', (event) => {
    event.preventDefault();
    void submit();
  });
  input.addEventListener('input', grow);
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void submit();
  });
  $('#start').addEventListener('click', () => void say('/start'));
  $('#unblock').addEventListener('click', () => void host.unblock());
  $('#keyboard-toggle').addEventListener('click', () => {
    isKeyboardShown = !isKeyboardShown;
    showKeyboard();
  });
  startMenus(menus, closeMenus);
  startFiles(sendFile);

  return {
    focus: () => input.focus({ preventScroll: true }),
    setMode(mode) {
      $('#composer').hidden = mode !== 'open';
      $('#start').hidden = mode !== 'start';
      $('#unblock').hidden = mode !== 'blocked';
      showKeyboard();
    },
    setKeyboard(markup) {
      if (JSON.stringify(markup) !== JSON.stringify(keyboard)) isKeyboardShown = true;
      keyboard = markup;
      showKeyboard();
    },
    setCommands(commands) {
      $('#menu').hidden = commands.length === 0;
      $('#commands').replaceChildren(
        ...commands.map(({ command, description }) => {
          const send = () => {
            closeMenus();
            void say(`/${command}`);
          };
          const made = h('button', { type: 'button', role: 'menuitem', onclick: send });
          made.append(h('b', {}, `/${command}`), h('span', {}, description));
          return made;
        }),
      );
    },
  };
}

function startMenus([commands, attach], closeMenus) {
  const toggles = [
    [$('#menu'), commands],
    [$('#attach'), attach],
  ];
  for (const [button, menu] of toggles) {
    button.addEventListener('click', (event) => {
      event.stopPropagation();
      const wasHidden = menu.hidden;
      closeMenus();
      menu.hidden = !wasHidden;
    });
    menu.addEventListener('click', (event) => event.stopPropagation());
  }
  document.addEventListener('click', closeMenus);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') closeMenus();
  });
}

/** Files come from the picker, by dropping, by pasting and from the photos that ship with the project. */
function startFiles(sendFile) {
  const picker = $('#picker');
  let asPhoto = true;
  for (const button of document.querySelectorAll('[data-pick]')) {
    button.addEventListener('click', () => {
      asPhoto = button.dataset.pick === 'photo';
      picker.accept = asPhoto ? 'image/*' : '';
      picker.click();
    });
  }
  picker.addEventListener('change', () => {
    const [file] = picker.files;
    picker.value = '';
    if (file !== undefined) void sendFile(file, asPhoto);
  });
  const isOpen = () => !$('#composer').hidden && !$('#chat').hidden;
  document.addEventListener('paste', (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (file === undefined || !isOpen()) return;
    event.preventDefault();
    void sendFile(file);
  });
  const room = $('#chat');
  room.addEventListener('dragover', (event) => {
    event.preventDefault();
    $('#drop').hidden = !isOpen();
  });
  room.addEventListener('dragleave', (event) => {
    if (!room.contains(event.relatedTarget)) $('#drop').hidden = true;
  });
  room.addEventListener('drop', (event) => {
    event.preventDefault();
    $('#drop').hidden = true;
    const [file] = event.dataTransfer?.files ?? [];
    if (file !== undefined && isOpen()) void sendFile(file);
  });
  void offerSamples(sendFile);
}

async function offerSamples(sendFile) {
  const names = await backend.samples();
  for (const place of document.querySelectorAll('[data-samples]')) {
    place.replaceChildren(
      ...names.map((name) => {
        const choose = async () => sendFile(await backend.sample(name));
        const label = name.replace(/\.\w+$/, '').replaceAll('-', ' ');
        const made = h('button', { type: 'button', title: label, 'data-sample': name, onclick: choose });
        made.append(h('img', { src: `/dev/photos/${name}`, alt: label }));
        return made;
      }),
    );
  }
}
