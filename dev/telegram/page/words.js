/** The page's own labels. They follow the language of the person whose chat is open. */
const texts = {
  en: {
    customers: 'Customers',
    standIn: 'A stand-in for Telegram on this machine',
    menu: 'Menu',
    attach: 'Attach',
    send: 'Send',
    keyboard: 'Bot keyboard',
    message: 'Write a message...',
    start: 'Start',
    unblock: 'Unblock',
    block: 'Block the bot',
    photo: 'Photo',
    file: 'File',
    samples: 'Sample photos',
    samplesHint: 'One click attaches a photo to the chat.',
    customer: 'Customer',
    name: 'Name',
    language: 'Language',
    nobody: 'Nobody has written to the bot yet. Who are you?',
    newName: (n) => `Customer ${n}`,
    bot: 'bot',
    blocked: 'you blocked this bot',
    edited: 'edited',
    you: 'You',
    today: 'Today',
    yesterday: 'Yesterday',
    dropHere: 'Drop a photo here to send it',
    sendPhoto: 'Send a photo',
    sendFile: 'Send a file',
    caption: 'Caption',
    compress: 'Send as a photo (compressed)',
    cancel: 'Cancel',
    ok: 'OK',
    invoice: 'Invoice',
    pay: 'Pay',
    payTitle: 'Confirm your purchase',
    payText: (title, bot) => `${title}, from ${bot}`,
    paying: 'Waiting for the bot...',
    paidToast: (sum) => `Paid: ${sum} Stars`,
    paidAlready: 'Paid',
    paidNote: (sum, bot) => `You paid ${sum} Stars to ${bot}`,
    refundNote: (sum, bot) => `${bot} returned ${sum} Stars to you`,
    noAnswer: 'The bot has not answered yet',
    whatCan: 'What can this bot do?',
    typing: 'is typing',
    upload_photo: 'is sending a photo',
    upload_video: 'is sending a video',
    record_video: 'is recording a video',
    upload_document: 'is sending a file',
    lost: 'No connection to the stand-in. Trying again...',
    photoWord: 'Photo',
    videoWord: 'Video',
    fileWord: 'File',
  },
  ru: {
    customers: 'Покупатели',
    standIn: 'Телеграм понарошку, на этой машине',
    menu: 'Меню',
    attach: 'Прикрепить',
    send: 'Отправить',
    keyboard: 'Клавиатура бота',
    message: 'Написать сообщение...',
    start: 'Запустить',
    unblock: 'Разблокировать',
    block: 'Заблокировать бота',
    photo: 'Фото',
    file: 'Файл',
    samples: 'Готовые фото',
    samplesHint: 'Одно нажатие прикрепит фото к чату.',
    customer: 'Покупатель',
    name: 'Имя',
    language: 'Язык',
    nobody: 'Боту ещё никто не писал. Кто вы?',
    newName: (n) => `Покупатель ${n}`,
    bot: 'бот',
    blocked: 'вы заблокировали бота',
    edited: 'изменено',
    you: 'Вы',
    today: 'Сегодня',
    yesterday: 'Вчера',
    dropHere: 'Перетащите фото сюда, чтобы отправить',
    sendPhoto: 'Отправить фото',
    sendFile: 'Отправить файл',
    caption: 'Подпись',
    compress: 'Отправить как фото (со сжатием)',
    cancel: 'Отмена',
    ok: 'ОК',
    invoice: 'Счёт',
    pay: 'Оплатить',
    payTitle: 'Подтвердите покупку',
    payText: (title, bot) => `${title}, продавец ${bot}`,
    paying: 'Ждём ответа бота...',
    paidToast: (sum) => `Оплачено звёзд: ${sum}`,
    paidAlready: 'Оплачено',
    paidNote: (sum, bot) => `Вы заплатили ${bot} звёзд: ${sum}`,
    refundNote: (sum, bot) => `${bot} вернул вам звёзд: ${sum}`,
    noAnswer: 'Бот пока не ответил',
    whatCan: 'Что умеет этот бот?',
    typing: 'печатает',
    upload_photo: 'отправляет фото',
    upload_video: 'отправляет видео',
    record_video: 'записывает видео',
    upload_document: 'отправляет файл',
    lost: 'Нет связи. Пробуем снова...',
    photoWord: 'Фото',
    videoWord: 'Видео',
    fileWord: 'Файл',
  },
};

let current = navigator.language.startsWith('ru') ? 'ru' : 'en';

export function setLanguage(code) {
  current = code.startsWith('ru') ? 'ru' : 'en';
  document.documentElement.lang = current;
  for (const each of document.querySelectorAll('[data-word]')) each.textContent = word(each.dataset.word);
  for (const each of document.querySelectorAll('[data-title]')) {
    each.title = word(each.dataset.title);
    each.setAttribute('aria-label', each.title);
  }
  for (const each of document.querySelectorAll('[data-placeholder]')) {
    each.placeholder = word(each.dataset.placeholder);
  }
}

export function language() {
  return current;
}

export function word(name, ...values) {
  const text = texts[current][name] ?? name;
  return typeof text === 'function' ? text(...values) : text;
}

/** A label in the given language, for a customer who does not exist yet. */
export function wordIn(code, name, ...values) {
  const text = texts[code][name];
  return typeof text === 'function' ? text(...values) : text;
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(current, { hour: '2-digit', minute: '2-digit', hour12: false });
}

export function day(seconds) {
  const date = new Date(seconds * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return word('today');
  if (days === 1) return word('yesterday');
  return date.toLocaleDateString(current, { day: 'numeric', month: 'long' });
}

export function size(bytes) {
  const units = current === 'ru' ? ['Б', 'КБ', 'МБ'] : ['B', 'KB', 'MB'];
  if (bytes < 1024) return `${bytes} ${units[0]}`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} ${units[1]}`;
  return `${(bytes / 1024 / 1024).toFixed(1)} ${units[2]}`;
}
