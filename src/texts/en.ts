import type { Catalog, InGroup } from './catalog.ts';
import { escapeHtml, excerpt } from './html.ts';
import { pluralOf, wholeMinutes } from './plural.ts';

const plural = pluralOf('en');
const credits = (count: number): string => `${count} ${plural(count, { one: 'credit', other: 'credits' })}`;
const minutes = (seconds: number): string => {
  const count = wholeMinutes(seconds);
  return `${count} ${plural(count, { one: 'minute', other: 'minutes' })}`;
};

const videos = (count: number): string => `${count} ${plural(count, { one: 'video', other: 'videos' })}`;
const videoOf = ({ position, count }: InGroup): string => (count === 1 ? '' : `Video ${position} of ${count}. `);

/** Beside a balance that credits have just come to: they may have gone into the debt. */
const owing = (debt: number): string =>
  debt > 0 ? `\nYou owe ${credits(debt)}: credits that come pay this first.` : '';

const template = { ugc: 'A customer’s review', ad: 'A commercial', self: 'My own prompt' };

const trouble: Catalog['trouble'] = {
  person: {
    what: 'The video service refused the photo because it shows a person.',
    tip: 'Send a photo of the product alone, without faces or hands.',
  },
  minor: {
    what: 'The video service refused the photo because it may show a child.',
    tip: 'Send a photo of the product alone.',
  },
  policy: {
    what: 'The video service refused the content: it breaks its rules.',
    tip: 'Check the photo and the words: nothing violent, intimate or forbidden may be in them.',
  },
  brand: {
    what: 'The video service refused the order because of somebody else’s brand or character.',
    tip: 'Send a photo without well-known logos and characters, and leave their names out of the text.',
  },
  prompt: {
    what: 'The video service refused the words of the order.',
    tip: 'Write the description in other words, plainly and without names of people or brands.',
  },
  photo: {
    what: 'The video service could not use this photo.',
    tip: 'Send another one: sharp, well lit, with the whole product in the picture.',
  },
  technical: {
    what: 'It did not work because of a fault on our side. You did everything right.',
    tip: 'We already know of it. Try again a little later.',
  },
  failed: {
    what: 'The video service could not make the video.',
    tip: 'This happens from time to time. Try again; another photo of the same product may also help.',
  },
  'unknown-outcome': {
    what: 'The video could not be completed: the video service did not tell us what became of it.',
    tip: 'Try again a little later.',
  },
  'too-slow': {
    what: 'The video was not ready in time, so we stopped waiting.',
    tip: 'The video service is slow at the moment. Try again a little later.',
  },
  waited: {
    what: 'Too many people are ordering right now, and your turn did not come in time.',
    tip: 'Try again a little later.',
  },
  cancelled: { what: 'The order is cancelled.', tip: 'You can start a new one whenever you like.' },
  removed: { what: 'The order was removed by an operator.', tip: 'Try again, or ask us why: /help' },
  delivery: {
    what: 'The video was made, but Telegram did not accept it in this chat.',
    tip: 'We kept the video. Write to us: /help',
  },
};

export const en = {
  consent:
    '<b>Neurocards</b> turns a photo of your product into a short video ad.\n\n' +
    'Before we begin: your photo and your words are sent to AI services that make the video, and are kept by us for as long as ' +
    'the order needs them. Details in plain words: /terms and /privacy.\n\n' +
    'Do you agree?',
  accept: 'I agree',
  welcome: ({ granted, available, price, usualSeconds }) =>
    `${granted > 0 ? `Welcome! We gave you <b>${credits(granted)}</b> to begin with.` : 'Thank you!'}\n` +
    `Your balance: <b>${credits(available)}</b>. One video costs ${credits(price)} and usually takes about ${minutes(usualSeconds)}.\n\n` +
    'Send a photo of your product to start.',
  menu: ({ available, price }) =>
    `Your balance: <b>${credits(available)}</b>. One video costs ${credits(price)}.\n\n` +
    'Send a photo of your product to start a video.\n/balance · /language · /help',
  askPhoto: ({ maxMegabytes }) =>
    'Send a photo of your product.\n\n' +
    'What works well: the product alone, large, sharp, in good light, on a calm background. No people, no well-known logos. ' +
    `JPEG, PNG or WebP, up to ${maxMegabytes} MB.`,
  onlyFirstPhoto: 'A video is made from one photo. I took the first one of the album.',
  photoRefused: (why, { maxMegabytes, minSide }) =>
    ({
      'not-a-photo': 'This is not a picture I can use. Send a photo, or a JPEG, PNG or WebP file.',
      'too-big': `This file is too large. Send a photo of up to ${maxMegabytes} MB.`,
      'too-small': `This picture is too small. Each side must have at least ${minSide} pixels: send a larger one.`,
      broken: 'This picture is damaged and could not be opened. Send it again, or another one.',
    })[why],
  askText: ({ maxCharacters }) =>
    'The photo is good. Now describe the product in one message: what it is, for whom, and what is best about it. ' +
    `The description from your shop will do. Up to ${maxCharacters} characters.`,
  textEmpty: 'I need a few words. Write them as an ordinary text message.',
  textTooLong: ({ characters, maxCharacters }) =>
    `That is ${characters} characters, and I can take up to ${maxCharacters}. Please shorten it and send it once more.`,
  askTemplate:
    'What shall the video be like?\n\n' +
    `<b>${template.ugc}</b>: somebody shows the product as if filming with their own phone.\n` +
    `<b>${template.ad}</b>: a calm, polished film about the product, without people.\n` +
    `<b>${template.self}</b>: you write yourself what shall happen.`,
  template,
  askPrompt: ({ maxCharacters }) =>
    'Write your prompt: what shall happen in the video. It goes to the video service as it is; English works best. ' +
    `Up to ${maxCharacters} characters.`,
  askWishes: ({ maxCharacters }) =>
    `Any wishes? For example the mood, the place, who the video is for. Up to ${maxCharacters} characters. Or skip it.`,
  skip: 'Skip',
  confirm: ({ template: chosen, productText, wishes, count, unitPrice, price, available, usualSeconds }) =>
    '<b>Ready to create</b>\n\n' +
    `Kind: ${template[chosen]}\n` +
    `${chosen === 'self' ? 'Prompt' : 'Product'}: ${excerpt(productText, 300)}\n` +
    `${wishes === null ? '' : `Wishes: ${excerpt(wishes, 300)}\n`}\n` +
    `${count === 1 ? '' : `How many: ${videos(count)}, ${credits(unitPrice)} each.\n`}` +
    `Price: <b>${credits(price)}</b>. Your balance: ${credits(available)}.\n` +
    `It usually takes about ${minutes(usualSeconds)}. If ${count === 1 ? 'it' : 'one'} fails, ${count === 1 ? 'the' : 'its'} credits come back by themselves.`,
  countButton: ({ count, chosen }) => `${chosen ? '✓ ' : ''}${videos(count)}`,
  create: ({ count, price }) => `Create${count === 1 ? '' : ` ${videos(count)}`} - ${credits(price)}`,
  discard: 'Discard',
  checkAgain: 'Check my balance again',
  newVideo: 'New video',
  otherPhoto: 'Send another photo',
  again: (price) => `Generate again - ${credits(price)}`,
  tryAgain: (price) => `Try again - ${credits(price)}`,
  sendAgain: 'Send again',
  cancelOrder: 'Cancel the order',
  noCredits: ({ count, price, available, contact }) =>
    `${count === 1 ? 'This video costs' : `These ${videos(count)} cost`} ${credits(price)}, and you have ${credits(available)}.\n\n` +
    `What you can do: buy credits with /buy, or write to ${escapeHtml(contact)}. If you have an order under way, its credits come back when it fails. ` +
    'Nothing you have sent is lost.',
  tooManyOpen: ({ limit }) =>
    `We take up to ${limit} orders at a time from one person. As soon as some are ready, press the button again, or choose fewer videos.`,
  ordersPaused: 'We are not taking new orders for the moment. Nothing is lost: press the button again a little later.',
  inDebt: ({ debt, contact }) =>
    `A payment of yours was taken back, and its credits were already used: you owe ${credits(debt)}. ` +
    `Any credits that come pay that off first, and then you can order again. Questions: ${escapeHtml(contact)}`,
  banned: ({ contact }) =>
    `Orders from this account are closed. If you think this is a mistake, write to ${escapeHtml(contact)}.`,
  priceChanged: (price) =>
    `The price has changed: a video now costs ${credits(price)}. Please look and confirm once more.`,
  changedSince: 'Something has changed since that video, so please look and confirm once more.',
  hint: {
    photo: 'To start, send a photo of your product. /help tells how it works.',
    text: 'I am waiting for a description of the product, as a text message. /cancel drops this draft.',
    template: 'Please choose the kind of video with the buttons above. /cancel drops this draft.',
    prompt: 'I am waiting for your prompt, as a text message. /cancel drops this draft.',
    wishes: 'Write your wishes as a text message, or press “Skip”. /cancel drops this draft.',
    confirm: 'Everything is ready: press the button under the summary to create the video. /cancel drops this draft.',
    command: 'I do not know this command. /help lists what I can do.',
  },
  discarded: 'The draft is dropped; nothing was charged. Send a photo whenever you want to start again.',
  nothingToCancel: 'There is nothing to cancel.',
  chooseOrder: 'These orders can still be cancelled:',
  orderButton: (order) => `Cancel ${order}`,
  balance: ({ available, held, debt }) =>
    `Your balance: <b>${credits(available)}</b>.` +
    (held > 0 ? `\nHeld for orders under way: ${credits(held)}. They come back if the order fails.` : '') +
    (debt > 0 ? `\nYou owe: <b>${credits(debt)}</b>. New credits pay this first.` : ''),
  invite: ({ link, credits: bonus, days }) =>
    `Invite somebody: ${escapeHtml(link)}\nYou get ${credits(bonus)} when ${days} days have passed since their first video that was paid for.`,
  promo: {
    ask: 'Write the code after the command, for example: /promo SPRING',
    granted: ({ granted, available, debt }) =>
      `You got <b>${credits(granted)}</b>. Your balance: <b>${credits(available)}</b>.${owing(debt)}`,
    already: 'You have used this code before: it gives credits once.',
    unknown: 'There is no such code. Please look at how it is written.',
    expired: 'This code is no longer valid.',
    exhausted: 'This code has been used up.',
    banned: 'Codes are not for you here. /help tells where to ask.',
  },
  forget: {
    ask: ({ forfeits, debt }) =>
      '<b>Delete everything that is yours here?</b>\n\n' +
      'We erase your Telegram number, your photos and words, our copies of your videos, your drafts and your consent. The videos in this chat stay with you. ' +
      'The books keep their numbers, without you.\n\n' +
      (forfeits > 0 ? `You lose <b>${credits(forfeits)}</b>, also if you return.` : 'You have no credits to lose.') +
      (debt > 0 ? `\nWhat you owe stays, and counts again if you return: <b>${credits(debt)}</b>.` : ''),
    yes: ({ forfeits }) => `Delete everything${forfeits > 0 ? ` and lose ${credits(forfeits)}` : ''}`,
    no: 'Keep everything',
    openOrders: ({ orders }) =>
      `Orders are still under way: ${orders.join(', ')}. Wait until they are done, or cancel them with /cancel, and then send /delete again.`,
    changed: 'Your credits have changed since you were asked. Please look once more:',
    done: 'Everything is deleted. If you ever want to begin again: /start',
    kept: 'Nothing was deleted.',
  },
  help: ({ contact, price }) =>
    'How it works: send a photo of your product, describe it, choose a kind of video and confirm. ' +
    `A video costs ${credits(price)}; if it fails, the credits come back by themselves.\n\n` +
    '/new starts a video\n/balance shows your credits\n/buy buys more with Telegram Stars\n/promo uses a code\n/cancel drops a draft or cancels an order\n/language switches the language\n/terms and /privacy in plain words\n/delete erases all that is yours\n\n' +
    `A human being answers here: ${escapeHtml(contact)}`,
  terms: ({ contact }) =>
    '<b>Terms in plain words</b>\n\n' +
    '1. You send only photos and texts you may use. No people without their consent, no children, nothing forbidden by law.\n' +
    '2. A video costs credits. They are held when you confirm, and taken when the video is in your chat. If it fails, they come back.\n' +
    '3. Before the paid part has begun you can cancel; afterwards the order runs to its end.\n' +
    '4. Videos are made by AI. Look at them before you publish; you decide how to use them.\n' +
    `5. Questions and complaints: ${escapeHtml(contact)}`,
  privacy: ({ contact }) =>
    '<b>Privacy in plain words</b>\n\n' +
    'We keep: your Telegram number and language, the photos and texts of your orders, the finished videos, and the books of your credits and payments.\n' +
    'We pass on: the photo and the text of an order to the services that write the prompt and make the video (KIE.ai and a language model). Nothing else, and nothing to advertisers.\n' +
    'We remove location and camera data from photos before they are stored.\n' +
    'We delete all that is yours when you send /delete.\n' +
    `Questions: ${escapeHtml(contact)}`,
  language: 'Choose a language:',
  languageSet: 'I speak English now.',
  privateOnly: 'I work in private chats only. Open a chat with me and press Start.',
  ourFault: ({ contact }) =>
    `Something went wrong on our side, and I could not handle that. Please try once more; if it happens again, write to ${escapeHtml(contact)}`,
  checkout: {
    'unknown-invoice': 'We do not know this bill. Nothing was charged. Ask for a new one: /buy',
    paid: 'This bill is paid already. Nothing was charged again. For more credits: /buy',
    expired: 'This bill is too old. Nothing was charged. Ask for a new one: /buy',
    'other-person': 'This bill is somebody else’s. Nothing was charged. Open a chat with me and send /buy',
    'other-amount': 'This bill has another price by now. Nothing was charged. Ask for a new one: /buy',
    'other-currency': 'We take Telegram Stars only. Nothing was charged. Ask for a new bill: /buy',
    banned: 'We do not sell to this account. Nothing was charged. Questions: /paysupport',
    unavailable: 'We cannot take payments for the moment. Nothing was charged. Please try again in a few minutes.',
  },
  packages: ({ available, contact }) =>
    `Your balance: <b>${credits(available)}</b>. Choose how many credits to buy; they are paid with Telegram Stars.\n\n` +
    `Credits pay for videos. A video that fails gives its credits back, not Stars. Questions about a payment: ${escapeHtml(contact)}`,
  nothingOnSale: ({ contact }) => `No credits are on sale at the moment. To get some, write to ${escapeHtml(contact)}`,
  packageButton: ({ credits: count, stars }) => `${credits(count)} - ⭐ ${stars}`,
  invoiceTitle: ({ credits: count }) => credits(count),
  invoiceDescription: ({ credits: count }) =>
    `${credits(count)} for videos in this bot. They arrive as soon as Telegram confirms the payment.`,
  saleRefused: ({ contact }) =>
    `I cannot sell you that. Look at the list again: /buy, or write to ${escapeHtml(contact)}`,
  paymentHelp: ({ contact }) =>
    'Bought credits arrive within a minute of the payment, at the latest within half an hour. ' +
    `If they did not, or you want to return a purchase, write to ${escapeHtml(contact)} with the date and the number of Stars.`,
  paid: ({ credits: bought, repaid, available, debt }) =>
    `Thank you! You bought <b>${credits(bought)}</b>. ` +
    (repaid > 0 ? `${credits(repaid)} of them paid what you owed. ` : '') +
    `Your balance: <b>${credits(available)}</b>.` +
    (debt > 0 ? `\nYou still owe ${credits(debt)}; until they are paid no video can be ordered.` : ''),
  paymentUnmatched: ({ stars, contact }) =>
    `Your payment of ⭐ ${stars} has arrived, but it fits none of your open bills. Nothing is lost: we look into it, and you get ` +
    `the credits or the Stars. If you hear nothing within a day, write to ${escapeHtml(contact)}`,
  refunded: ({ stars, credits: taken, available }) =>
    `⭐ ${stars} went back to you.` +
    (taken > 0 ? ` ${credits(taken)} of that purchase are no longer yours.` : '') +
    (available === null ? '' : ` Your balance: <b>${credits(available)}</b>.`),
  refundRefused: ({ stars, credits: returned, available, contact }) =>
    `Telegram refused to return ⭐ ${stars} to you.` +
    (returned > 0 ? ` ${credits(returned)} are yours again.` : '') +
    (available === null ? '' : ` Your balance: <b>${credits(available)}</b>.`) +
    ` Please write to ${escapeHtml(contact)}`,
  chargedBack: ({ stars, credits: taken, available, debt, contact }) =>
    `A payment of ⭐ ${stars} was taken back, and ${credits(taken)} went with it. Your balance: <b>${credits(available)}</b>.` +
    (debt > 0
      ? `\nYou had spent some of them: you owe ${credits(debt)}. The next credits you get pay for that first; until then no video can be ordered.`
      : '') +
    `\nIf that is a mistake, write to ${escapeHtml(contact)}`,
  toast: {
    stale: 'This button is out of date. Please use the latest message.',
    foreign: 'This button is not yours.',
    placed: 'Accepted!',
    placing: 'One moment…',
    alreadyPlaced: 'This order is already accepted.',
    cancelled: 'The order is cancelled.',
    tooLate: 'Too late to cancel: the paid part has begun. The order goes on.',
    alreadyOver: 'This order is already finished.',
    sending: 'Sending it again…',
    alreadyShown: 'The video is already in this chat.',
    notStored: 'There is no stored video for this order any more.',
  },
  progress: ({ stage, place, usualSeconds, elapsedSeconds, ...which }) => {
    const video = videoOf(which);
    switch (stage) {
      case 'accepted':
        return `<b>${video}Order accepted</b>\nIt usually takes about ${minutes(usualSeconds)}. You can close the chat: I will write when the video is ready.`;
      case 'queued':
        return (
          `<b>${video}In the queue</b>\n${place === null ? 'Your turn comes soon.' : `Your place: ${place}.`} ` +
          `After your turn it usually takes about ${minutes(usualSeconds)}.`
        );
      case 'preparing':
        return `<b>${video}Preparing</b>\nThe photo and the text go to the video service. It usually takes about ${minutes(usualSeconds)}.`;
      case 'generating':
        return (
          `<b>${video}Making the video</b>\n${elapsedSeconds < 60 ? 'Just begun' : `${minutes(elapsedSeconds)} so far`}, ` +
          `usually about ${minutes(usualSeconds)}.`
        );
    }
  },
  slow: ({ usualSeconds }) =>
    `It is taking longer than usual (about ${minutes(usualSeconds)}). The order goes on, there is nothing to do. If it fails, the credits come back by themselves.`,
  delivered: ({ credits: taken, available, othersOpen, ...which }) =>
    `${videoOf(which)}Your video is ready, it is above. Charged: ${credits(taken)}. Your balance: <b>${credits(available)}</b>.` +
    (othersOpen ? '\nThe others are still being made: I will write when all are done.' : ''),
  failed: ({ trouble: what, returned, available, debt }) =>
    `${trouble[what].what}\n\n${returned > 0 ? `Returned: <b>${credits(returned)}</b>. ` : ''}Your balance: <b>${credits(available)}</b>.${owing(debt)}\n${trouble[what].tip}`,
  failedInGroup: ({ trouble: what, returned, ...which }) =>
    `${videoOf(which)}${trouble[what].what}${returned > 0 ? `\nReturned: <b>${credits(returned)}</b>.` : ''}`,
  summary: ({ count, shown, kept, charged, returned, available, debt, troubles }) =>
    `<b>All done: ${shown} of ${videos(count)} ${shown === 1 ? 'is' : 'are'} ready</b>${shown > 0 ? ', above' : ''}.\n` +
    (kept > 0 ? `Made and kept for you, but not surely in this chat yet: ${videos(kept)}.\n` : '') +
    troubles.map((what) => `\n${trouble[what].what} ${trouble[what].tip}\n`).join('') +
    `\n${returned > 0 ? `Returned: <b>${credits(returned)}</b>. ` : ''}${charged > 0 ? `Charged: ${credits(charged)}. ` : ''}Your balance: <b>${credits(available)}</b>.${owing(debt)}`,
  trouble,
  unconfirmed: ({ credits: taken }) =>
    `Your video is made and was sent, but Telegram did not confirm it. Charged: ${credits(taken)}. ` +
    'If you do not see it above, press the button: sending again is free.',
  videoCaption: 'Your video is ready.',
  placeholder: 'Your video is ready, sending it…',
  commands: {
    start: 'Start',
    new: 'New video',
    balance: 'My credits',
    buy: 'Buy credits',
    promo: 'Use a code',
    cancel: 'Drop the draft or cancel an order',
    language: 'Language',
    help: 'Help and contact',
    terms: 'Terms',
    privacy: 'Privacy',
    delete: 'Delete everything that is mine',
  },
  description: 'Turns a photo of your product into a short video ad.',
} satisfies Catalog;
