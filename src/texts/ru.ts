import type { Catalog, InGroup } from './catalog.ts';
import { escapeHtml, excerpt } from './html.ts';
import { pluralOf, wholeMinutes } from './plural.ts';

const plural = pluralOf('ru');
const credits = (count: number): string =>
  `${count} ${plural(count, { one: 'кредит', few: 'кредита', many: 'кредитов', other: 'кредита' })}`;
const minutes = (seconds: number): string => {
  const count = wholeMinutes(seconds);
  return `${count} ${plural(count, { one: 'минута', few: 'минуты', many: 'минут', other: 'минуты' })}`;
};
/** After a preposition of the genitive the word has other forms: около 1 минуты, около 2 минут. */
const about = (seconds: number): string => {
  const count = wholeMinutes(seconds);
  return `около ${count} ${plural(count, { one: 'минуты', few: 'минут', many: 'минут', other: 'минуты' })}`;
};

/** The word has one form for every number. */
const videos = (count: number): string => `${count} видео`;
const videoOf = ({ position, count }: InGroup): string => (count === 1 ? '' : `Видео ${position} из ${count}. `);

/** Beside a balance that credits have just come to: they may have gone into the debt. */
const owing = (debt: number): string =>
  debt > 0 ? `\nВаш долг: ${credits(debt)}. Новые кредиты сначала погашают его.` : '';

const template = { ugc: 'Отзыв покупателя', ad: 'Рекламный ролик', self: 'Свой промпт' };

const trouble: Catalog['trouble'] = {
  person: {
    what: 'Видеосервис отклонил фото: на нём виден человек.',
    tip: 'Пришлите фото, где только товар: без лиц и рук.',
  },
  minor: {
    what: 'Видеосервис отклонил фото: на нём может быть ребёнок.',
    tip: 'Пришлите фото, где только товар.',
  },
  policy: {
    what: 'Видеосервис отклонил заказ: содержание нарушает его правила.',
    tip: 'Проверьте фото и текст: в них не должно быть насилия, интимного и запрещённого.',
  },
  brand: {
    what: 'Видеосервис отклонил заказ из-за чужого бренда или персонажа.',
    tip: 'Пришлите фото без известных логотипов и героев и не упоминайте их в тексте.',
  },
  prompt: {
    what: 'Видеосервис отклонил текст заказа.',
    tip: 'Опишите товар другими словами: просто, без имён людей и названий брендов.',
  },
  photo: {
    what: 'Видеосервис не смог использовать это фото.',
    tip: 'Пришлите другое: чёткое, светлое, чтобы товар был виден целиком.',
  },
  technical: {
    what: 'Не получилось из-за сбоя на нашей стороне. Вы всё сделали правильно.',
    tip: 'Мы уже знаем о нём. Попробуйте чуть позже.',
  },
  failed: {
    what: 'Видеосервис не смог сделать это видео.',
    tip: 'Иногда так бывает. Попробуйте ещё раз; может помочь и другое фото того же товара.',
  },
  'unknown-outcome': {
    what: 'Видео не удалось завершить: видеосервис не сообщил, что с ним стало.',
    tip: 'Попробуйте чуть позже.',
  },
  'too-slow': {
    what: 'Видео не было готово вовремя, и мы перестали ждать.',
    tip: 'Сейчас видеосервис работает медленно. Попробуйте чуть позже.',
  },
  waited: {
    what: 'Сейчас очень много заказов, и ваша очередь не подошла вовремя.',
    tip: 'Попробуйте чуть позже.',
  },
  cancelled: { what: 'Заказ отменён.', tip: 'Новый можно начать в любой момент.' },
  removed: { what: 'Заказ снят оператором.', tip: 'Попробуйте ещё раз или спросите нас почему: /help' },
  delivery: {
    what: 'Видео готово, но Telegram не принял его в этот чат.',
    tip: 'Мы сохранили видео. Напишите нам: /help',
  },
};

export const ru = {
  consent:
    '<b>Neurocards</b> превращает фото вашего товара в короткое рекламное видео.\n\n' +
    'Прежде чем начать: фото и текст уходят в сервисы искусственного интеллекта, которые делают видео, и хранятся у нас, ' +
    'пока это нужно для заказа. Подробно и простыми словами: /terms и /privacy.\n\n' +
    'Вы согласны?',
  accept: 'Согласен',
  welcome: ({ granted, available, price, usualSeconds }) =>
    `${granted > 0 ? `Добро пожаловать! Для начала у вас <b>${credits(granted)}</b> в подарок.` : 'Спасибо!'}\n` +
    `Баланс: <b>${credits(available)}</b>. Одно видео стоит ${credits(price)} и занимает обычно ${about(usualSeconds)}.\n\n` +
    'Пришлите фото товара, и начнём.',
  menu: ({ available, price }) =>
    `Баланс: <b>${credits(available)}</b>. Одно видео стоит ${credits(price)}.\n\n` +
    'Пришлите фото товара, чтобы начать.\n/balance · /language · /help',
  askPhoto: ({ maxMegabytes }) =>
    'Пришлите фото товара.\n\n' +
    'Лучше всего: только товар, крупно, чётко, при хорошем свете, на спокойном фоне. Без людей и известных логотипов. ' +
    `JPEG, PNG или WebP, до ${maxMegabytes} МБ.`,
  onlyFirstPhoto: 'Видео делается из одного фото. Из альбома взято первое.',
  photoRefused: (why, { maxMegabytes, minSide }) =>
    ({
      'not-a-photo': 'Это не картинка, которую можно использовать. Пришлите фото или файл JPEG, PNG или WebP.',
      'too-big': `Файл слишком большой. Пришлите фото до ${maxMegabytes} МБ.`,
      'too-small': `Картинка слишком маленькая. Каждая сторона должна быть не меньше ${minSide} пикселей: пришлите побольше.`,
      broken: 'Картинка повреждена и не открылась. Пришлите её ещё раз или возьмите другую.',
    })[why],
  askText: ({ maxCharacters }) =>
    'Фото подходит. Теперь одним сообщением опишите товар: что это, для кого и чем он хорош. ' +
    `Подойдёт описание из карточки товара. До ${maxCharacters} символов.`,
  textEmpty: 'Нужно хотя бы несколько слов. Напишите их обычным текстовым сообщением.',
  textTooLong: ({ characters, maxCharacters }) =>
    `Получилось символов: ${characters}, а принять можно до ${maxCharacters}. Сократите, пожалуйста, и пришлите ещё раз.`,
  askTemplate:
    'Каким сделать видео?\n\n' +
    `<b>${template.ugc}</b>: человек показывает товар, будто снимает на свой телефон.\n` +
    `<b>${template.ad}</b>: спокойный красивый фильм о товаре, без людей.\n` +
    `<b>${template.self}</b>: вы сами пишете, что произойдёт в кадре.`,
  template,
  askPrompt: ({ maxCharacters }) =>
    'Напишите промпт: что должно происходить в видео. Он уйдёт в видеосервис как есть; лучше всего понимается английский. ' +
    `До ${maxCharacters} символов.`,
  askWishes: ({ maxCharacters }) =>
    `Есть пожелания? Например, настроение, место, для кого видео. До ${maxCharacters} символов. Можно пропустить.`,
  skip: 'Пропустить',
  confirm: ({ template: chosen, productText, wishes, count, unitPrice, price, available, usualSeconds }) =>
    '<b>Всё готово</b>\n\n' +
    `Вид: ${template[chosen]}\n` +
    `${chosen === 'self' ? 'Промпт' : 'Товар'}: ${excerpt(productText, 300)}\n` +
    `${wishes === null ? '' : `Пожелания: ${excerpt(wishes, 300)}\n`}\n` +
    `${count === 1 ? '' : `Сколько: ${videos(count)}, по ${credits(unitPrice)}.\n`}` +
    `Цена: <b>${credits(price)}</b>. Баланс: ${credits(available)}.\n` +
    `Обычно занимает ${about(usualSeconds)}. Если ${count === 1 ? '' : 'какое-то '}не получится, ${count === 1 ? '' : 'его '}кредиты вернутся сами.`,
  countButton: ({ count, chosen }) => `${chosen ? '✓ ' : ''}${videos(count)}`,
  create: ({ count, price }) => `Создать${count === 1 ? '' : ` ${videos(count)}`} - ${credits(price)}`,
  discard: 'Не нужно',
  checkAgain: 'Проверить баланс ещё раз',
  newVideo: 'Новое видео',
  otherPhoto: 'Прислать другое фото',
  again: (price) => `Сделать ещё - ${credits(price)}`,
  tryAgain: (price) => `Попробовать снова - ${credits(price)}`,
  sendAgain: 'Отправить ещё раз',
  cancelOrder: 'Отменить заказ',
  noCredits: ({ count, price, available, contact }) =>
    `${count === 1 ? 'Это видео стоит' : `Эти ${videos(count)} стоят`} ${credits(price)}, а на балансе ${credits(available)}.\n\n` +
    `Что можно сделать: купите кредиты, команда /buy, или напишите ${escapeHtml(contact)}. Если какой-то заказ в работе не получится, его кредиты вернутся. ` +
    'Всё, что вы прислали, сохранено.',
  tooManyOpen: ({ limit }) =>
    `Одновременно в работе может быть заказов от одного человека: ${limit}. Как только часть будет готова, нажмите кнопку снова или выберите меньше видео.`,
  ordersPaused: 'Сейчас новые заказы не принимаются. Ничего не пропало: нажмите кнопку чуть позже.',
  inDebt: ({ debt, contact }) =>
    `Один из ваших платежей был возвращён, а его кредиты уже потрачены. Долг: ${credits(debt)}. ` +
    `Новые кредиты сначала погасят его, и тогда можно будет заказывать снова. Вопросы: ${escapeHtml(contact)}`,
  banned: ({ contact }) => `Заказы с этого аккаунта закрыты. Если это ошибка, напишите ${escapeHtml(contact)}.`,
  priceChanged: (price) => `Цена изменилась: теперь видео стоит ${credits(price)}. Посмотрите и подтвердите ещё раз.`,
  changedSince: 'С того видео кое-что изменилось. Посмотрите и подтвердите ещё раз.',
  hint: {
    photo: 'Чтобы начать, пришлите фото товара. Как всё устроено: /help',
    text: 'Жду описание товара текстовым сообщением. Отказаться от черновика: /cancel',
    template: 'Выберите вид видео кнопками выше. Отказаться от черновика: /cancel',
    prompt: 'Жду ваш промпт текстовым сообщением. Отказаться от черновика: /cancel',
    wishes: 'Напишите пожелания текстом или нажмите «Пропустить». Отказаться от черновика: /cancel',
    confirm: 'Всё готово: нажмите кнопку под сводкой, чтобы создать видео. Отказаться от черновика: /cancel',
    command: 'Такой команды нет. Что умею: /help',
  },
  discarded: 'Черновик убран, ничего не списано. Захотите начать снова, пришлите фото.',
  nothingToCancel: 'Отменять нечего.',
  chooseOrder: 'Эти заказы ещё можно отменить:',
  orderButton: (order) => `Отменить ${order}`,
  balance: ({ available, held, debt }) =>
    `Баланс: <b>${credits(available)}</b>.` +
    (held > 0 ? `\nПридержано для заказов в работе: ${credits(held)}. Если заказ не получится, они вернутся.` : '') +
    (debt > 0 ? `\nДолг: <b>${credits(debt)}</b>. Новые кредиты сначала закроют его.` : ''),
  invite: ({ link, credits: bonus, days }) =>
    `Пригласите кого-нибудь: ${escapeHtml(link)}\nВы получите ${credits(bonus)}, когда после первого оплаченного видео этого человека пройдёт дней: ${days}.`,
  promo: {
    ask: 'Напишите код после команды, например: /promo SPRING',
    granted: ({ granted, available, debt }) =>
      `Вам начислено: <b>${credits(granted)}</b>. Баланс: <b>${credits(available)}</b>.${owing(debt)}`,
    already: 'Этот код вы уже использовали: он даёт кредиты один раз.',
    unknown: 'Такого кода нет. Проверьте, как он написан.',
    expired: 'Этот код больше не действует.',
    exhausted: 'Этот код уже исчерпан.',
    banned: 'Коды здесь не для вас. Где спросить, скажет /help',
  },
  forget: {
    ask: ({ forfeits, debt }) =>
      '<b>Удалить всё ваше?</b>\n\n' +
      'Мы сотрём ваш номер в Telegram, фото и тексты, наши копии видео, черновики и согласие. Видео в этом чате останутся у вас. ' +
      'В учёте останутся числа, но без вас.\n\n' +
      (forfeits > 0
        ? `Вы потеряете <b>${credits(forfeits)}</b>, даже если вернётесь.`
        : 'Кредитов, которые можно потерять, нет.') +
      (debt > 0 ? `\nДолг останется и вернётся вместе с вами: <b>${credits(debt)}</b>.` : ''),
    yes: ({ forfeits }) => `Удалить всё${forfeits > 0 ? ` и потерять ${credits(forfeits)}` : ''}`,
    no: 'Ничего не удалять',
    openOrders: ({ orders }) =>
      `Ещё есть заказы в работе: ${orders.join(', ')}. Дождитесь их или отмените через /cancel, а потом снова отправьте /delete`,
    changed: 'С тех пор как мы спросили, ваши кредиты изменились. Посмотрите ещё раз:',
    done: 'Всё удалено. Захотите начать снова: /start',
    kept: 'Ничего не удалено.',
  },
  help: ({ contact, price }) =>
    'Как это работает: пришлите фото товара, опишите его, выберите вид видео и подтвердите. ' +
    `Видео стоит ${credits(price)}; если не получится, кредиты вернутся сами.\n\n` +
    '/new начать видео\n/balance мои кредиты\n/buy купить ещё за Telegram Stars\n/promo ввести код\n/cancel убрать черновик или отменить заказ\n/language сменить язык\n/terms и /privacy простыми словами\n/delete удалить всё ваше\n\n' +
    `Живой человек ответит здесь: ${escapeHtml(contact)}`,
  terms: ({ contact }) =>
    '<b>Условия простыми словами</b>\n\n' +
    '1. Вы присылаете только те фото и тексты, которые вправе использовать. Без людей, не давших согласия, без детей, без запрещённого законом.\n' +
    '2. Видео стоит кредитов. Они придерживаются при подтверждении и списываются, когда видео уже в чате. Если не получилось, они возвращаются.\n' +
    '3. Пока платная часть не началась, заказ можно отменить; потом он идёт до конца.\n' +
    '4. Видео делает искусственный интеллект. Посмотрите его перед публикацией; как его использовать, решаете вы.\n' +
    `5. Вопросы и жалобы: ${escapeHtml(contact)}`,
  privacy: ({ contact }) =>
    '<b>О данных простыми словами</b>\n\n' +
    'Мы храним: ваш номер в Telegram и язык, фото и тексты заказов, готовые видео и учёт кредитов и платежей.\n' +
    'Мы передаём: фото и текст заказа сервисам, которые пишут промпт и делают видео (KIE.ai и языковая модель). Больше ничего и никому, рекламщикам тоже.\n' +
    'Из фото до сохранения убираются координаты и данные камеры.\n' +
    'Всё ваше мы удалим, когда вы отправите /delete\n' +
    `Вопросы: ${escapeHtml(contact)}`,
  language: 'Выберите язык:',
  languageSet: 'Теперь говорю по-русски.',
  privateOnly: 'Я работаю только в личных чатах. Откройте чат со мной и нажмите «Старт».',
  ourFault: ({ contact }) =>
    `У нас что-то сломалось, и обработать это не вышло. Попробуйте ещё раз; если повторится, напишите ${escapeHtml(contact)}`,
  checkout: {
    'unknown-invoice': 'Такого счёта у нас нет. Ничего не списано. Новый счёт: /buy',
    paid: 'Этот счёт уже оплачен. Второй раз ничего не списано. Ещё кредиты: /buy',
    expired: 'Этот счёт устарел. Ничего не списано. Новый счёт: /buy',
    'other-person': 'Это чужой счёт. Ничего не списано. Откройте чат со мной и отправьте /buy',
    'other-amount': 'Цена этого счёта изменилась. Ничего не списано. Новый счёт: /buy',
    'other-currency': 'Принимаются только Telegram Stars. Ничего не списано. Новый счёт: /buy',
    banned: 'Этому аккаунту мы не продаём. Ничего не списано. Вопросы: /paysupport',
    unavailable: 'Сейчас оплату принять не получается. Ничего не списано. Попробуйте через несколько минут.',
  },
  packages: ({ available, contact }) =>
    `Баланс: <b>${credits(available)}</b>. Выберите, сколько кредитов купить; оплата в Telegram Stars.\n\n` +
    `Кредитами оплачиваются видео. Если видео не получилось, возвращаются кредиты, а не Stars. Вопросы об оплате: ${escapeHtml(contact)}`,
  nothingOnSale: ({ contact }) => `Сейчас кредиты не продаются. Чтобы их получить, напишите ${escapeHtml(contact)}`,
  packageButton: ({ credits: count, stars }) => `${credits(count)} - ⭐ ${stars}`,
  invoiceTitle: ({ credits: count }) => credits(count),
  invoiceDescription: ({ credits: count }) =>
    `${credits(count)} на видео в этом боте. Придут, как только Telegram подтвердит оплату.`,
  saleRefused: ({ contact }) =>
    `Продать это не получается. Посмотрите список ещё раз: /buy, или напишите ${escapeHtml(contact)}`,
  paymentHelp: ({ contact }) =>
    'Купленные кредиты приходят в течение минуты после оплаты, самое позднее через полчаса. ' +
    `Если не пришли или вы хотите вернуть покупку, напишите ${escapeHtml(contact)}: укажите дату и число Stars.`,
  paid: ({ credits: bought, repaid, available, debt }) =>
    `Спасибо! Куплено: <b>${credits(bought)}</b>. ` +
    (repaid > 0 ? `Из них в счёт долга: ${credits(repaid)}. ` : '') +
    `Баланс: <b>${credits(available)}</b>.` +
    (debt > 0 ? `\nОстался долг: ${credits(debt)}; пока он не погашен, заказать видео нельзя.` : ''),
  paymentUnmatched: ({ stars, contact }) =>
    `Ваша оплата ⭐ ${stars} пришла, но не подходит ни к одному открытому счёту. Ничего не пропало: мы разберёмся, и вы получите ` +
    `кредиты или Stars. Если за день ничего не услышите, напишите ${escapeHtml(contact)}`,
  refunded: ({ stars, credits: taken, available }) =>
    `Вам вернулись ⭐ ${stars}.` +
    (taken > 0 ? ` Кредиты этой покупки списаны: ${credits(taken)}.` : '') +
    (available === null ? '' : ` Баланс: <b>${credits(available)}</b>.`),
  refundRefused: ({ stars, credits: returned, available, contact }) =>
    `Telegram отказался вернуть ⭐ ${stars}.` +
    (returned > 0 ? ` Кредиты снова ваши: ${credits(returned)}.` : '') +
    (available === null ? '' : ` Баланс: <b>${credits(available)}</b>.`) +
    ` Напишите, пожалуйста, ${escapeHtml(contact)}`,
  chargedBack: ({ stars, credits: taken, available, debt, contact }) =>
    `Оплата ⭐ ${stars} отозвана, вместе с ней списано: ${credits(taken)}. Баланс: <b>${credits(available)}</b>.` +
    (debt > 0
      ? `\nЧасть из них уже потрачена, ваш долг: ${credits(debt)}. Следующие кредиты сначала погасят его; до тех пор заказать видео нельзя.`
      : '') +
    `\nЕсли это ошибка, напишите ${escapeHtml(contact)}`,
  toast: {
    stale: 'Эта кнопка устарела. Нажмите кнопку в последнем сообщении.',
    foreign: 'Это не ваша кнопка.',
    placed: 'Принято!',
    placing: 'Минутку…',
    alreadyPlaced: 'Этот заказ уже принят.',
    cancelled: 'Заказ отменён.',
    tooLate: 'Отменить уже нельзя: платная часть началась. Заказ продолжается.',
    alreadyOver: 'Этот заказ уже завершён.',
    sending: 'Отправляю ещё раз…',
    alreadyShown: 'Видео уже в этом чате.',
    notStored: 'Сохранённого видео этого заказа больше нет.',
  },
  progress: ({ stage, place, usualSeconds, elapsedSeconds, ...which }) => {
    const video = videoOf(which);
    switch (stage) {
      case 'accepted':
        return `<b>${video}Заказ принят</b>\nОбычно занимает ${about(usualSeconds)}. Чат можно закрыть: напишу, когда видео будет готово.`;
      case 'queued':
        return (
          `<b>${video}В очереди</b>\n${place === null ? 'Скоро ваша очередь.' : `Ваше место: ${place}.`} ` +
          `Потом обычно ${about(usualSeconds)}.`
        );
      case 'preparing':
        return `<b>${video}Подготовка</b>\nФото и текст уходят в видеосервис. Обычно занимает ${about(usualSeconds)}.`;
      case 'generating':
        return (
          `<b>${video}Делаем видео</b>\n${elapsedSeconds < 60 ? 'Только начали' : `Прошло: ${minutes(elapsedSeconds)}`}, ` +
          `обычно ${about(usualSeconds)}.`
        );
    }
  },
  slow: ({ usualSeconds }) =>
    `Это дольше обычного (обычно ${about(usualSeconds)}). Заказ идёт, делать ничего не нужно. Если не получится, кредиты вернутся сами.`,
  delivered: ({ credits: taken, available, othersOpen, ...which }) =>
    `${videoOf(which)}Видео готово, оно выше. Списано: ${credits(taken)}. Баланс: <b>${credits(available)}</b>.` +
    (othersOpen ? '\nОстальные ещё делаются: напишу, когда закончим все.' : ''),
  failed: ({ trouble: what, returned, available, debt }) =>
    `${trouble[what].what}\n\n${returned > 0 ? `Возвращено: <b>${credits(returned)}</b>. ` : ''}Баланс: <b>${credits(available)}</b>.${owing(debt)}\n${trouble[what].tip}`,
  failedInGroup: ({ trouble: what, returned, ...which }) =>
    `${videoOf(which)}${trouble[what].what}${returned > 0 ? `\nВозвращено: <b>${credits(returned)}</b>.` : ''}`,
  summary: ({ count, shown, kept, charged, returned, available, debt, troubles }) =>
    `<b>Всё закончено, готово ${shown} из ${count} видео</b>${shown > 0 ? ': смотрите выше' : ''}.\n` +
    (kept > 0 ? `Сделано и хранится для вас, но пока не точно в этом чате: ${videos(kept)}.\n` : '') +
    troubles.map((what) => `\n${trouble[what].what} ${trouble[what].tip}\n`).join('') +
    `\n${returned > 0 ? `Возвращено: <b>${credits(returned)}</b>. ` : ''}${charged > 0 ? `Списано: ${credits(charged)}. ` : ''}Баланс: <b>${credits(available)}</b>.${owing(debt)}`,
  trouble,
  unconfirmed: ({ credits: taken }) =>
    `Видео сделано и отправлено, но Telegram этого не подтвердил. Списано: ${credits(taken)}. ` +
    'Если его нет выше, нажмите кнопку: отправить ещё раз бесплатно.',
  videoCaption: 'Видео готово.',
  placeholder: 'Видео готово, отправляю…',
  commands: {
    start: 'Начать',
    new: 'Новое видео',
    balance: 'Мои кредиты',
    buy: 'Купить кредиты',
    promo: 'Ввести код',
    cancel: 'Убрать черновик или отменить заказ',
    language: 'Язык',
    help: 'Помощь и связь',
    terms: 'Условия',
    privacy: 'О данных',
    delete: 'Удалить всё моё',
  },
  description: 'Превращает фото товара в короткое рекламное видео.',
} satisfies Catalog;
