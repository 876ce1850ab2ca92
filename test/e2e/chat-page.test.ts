import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api, InputFile } from 'grammy';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Launched } from '../../dev/browser/chromium.ts';
import { launchChromium } from '../../dev/browser/chromium.ts';
import type { Rig } from '../support/telegram.ts';
import { samplePhoto, startRig, TOKEN } from '../support/telegram.ts';
import { waitFor } from '../support/wait.ts';

/** A bot of a few lines: enough to see a whole order on the page, without any of our own. */
class ScriptedBot {
  readonly photos: string[] = [];
  readonly languages: (string | undefined)[] = [];
  readonly #api: Api;
  readonly #film: Buffer;
  #isRunning = true;
  readonly #loop: Promise<void>;

  constructor(url: string, film: Buffer) {
    this.#api = new Api(TOKEN, { apiRoot: url });
    this.#film = film;
    this.#loop = this.#run();
  }

  get api(): Api {
    return this.#api;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
  }

  async #run(): Promise<void> {
    let offset = 0;
    while (this.#isRunning) {
      const updates = await this.#api.getUpdates({ offset, timeout: 1 }).catch(async () => {
        await sleep(100);
        return [];
      });
      for (const update of updates) {
        offset = update.update_id + 1;
        await this.#handle(update);
      }
    }
  }

  async #handle(update: Awaited<ReturnType<Api['getUpdates']>>[number]): Promise<void> {
    const { message, callback_query: press, pre_checkout_query: checkout } = update;
    if (checkout !== undefined) await this.#api.answerPreCheckoutQuery(checkout.id, true);
    if (press !== undefined) await this.#press(press);
    if (message === undefined) return;
    this.languages.push(message.from.language_code);
    const chat = message.chat.id;
    if (message.photo !== undefined) {
      this.photos.push(message.photo.at(-1)?.file_id ?? '');
      const inline_keyboard = [
        [{ text: 'Create, 5 credits', callback_data: 'create' }],
        [{ text: 'Why?', callback_data: 'why' }],
      ];
      const words = message.caption ?? 'no words';
      await this.#api.sendMessage(chat, `Got it: ${words}`, {
        entities: [{ type: 'bold', offset: 8, length: words.length }],
        reply_markup: { inline_keyboard },
      });
    } else if (message.text === '/start') {
      await this.#api.sendMessage(chat, 'Send me a photo', { reply_markup: { keyboard: [[{ text: 'Balance' }]] } });
    } else if (message.text === 'Balance') {
      await this.#api.sendInvoice(chat, '50 credits', 'Ten videos', 'o-1', 'XTR', [{ label: 'x', amount: 250 }]);
    }
  }

  async #press(press: {
    id: string;
    data?: string;
    from: { id: number };
    message?: { message_id: number } | undefined;
  }) {
    const id = press.message?.message_id ?? 0;
    if (press.data === 'why')
      return void (await this.#api.answerCallbackQuery(press.id, { text: 'It is good', show_alert: true }));
    await this.#api.answerCallbackQuery(press.id, { text: 'Started' });
    await this.#api.editMessageText(press.from.id, id, 'Generating');
    await this.#api.sendChatAction(press.from.id, 'upload_video');
    const media = new InputFile(this.#film, 'film.mp4');
    await waitFor(() => this.mayFinish, { what: 'the test to let the bot finish' });
    await this.#api.editMessageMedia(press.from.id, id, { type: 'video', media, caption: 'Your video' });
  }

  /** The bot waits with the video until the test has seen the step before. */
  mayFinish = false;
}

const launched: Launched = await launchChromium();
const reason = launched.browser === undefined ? launched.reason : '';
if (reason !== '') console.warn(`skipped: ${reason}`);

describe.skipIf(launched.browser === undefined)('the chat page', () => {
  let rig: Rig;
  let bot: ScriptedBot;
  let browser: Browser;
  let page: Page;
  const troubles: string[] = [];

  beforeAll(async () => {
    if (launched.browser === undefined) throw new Error(reason);
    browser = launched.browser;
    rig = await startRig();
    bot = new ScriptedBot(rig.url, await readFile(new URL('../fixtures/film.mp4', import.meta.url)));
    page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error') troubles.push(line.text());
    });
    await page.goto(rig.url);
  });

  afterAll(async () => {
    await bot?.stop();
    await browser?.close();
    await rig?.erase();
  });

  const bubbleWith = (text: string) => page.locator('.message', { hasText: text }).last();

  test('a new customer presses Start and sees the bot’s answer and its keyboard', async () => {
    await page.locator('.nothing [data-new="en"]').click();
    await page.locator('#start').click();
    await bubbleWith('Send me a photo').waitFor();
    await page.locator('#keyboard button', { hasText: 'Balance' }).waitFor();
    expect(bot.languages).toEqual(['en']);
  });

  test('a photo with a caption goes to the bot, as its sizes', async () => {
    await page.locator('#attach').click();
    const chooser = page.waitForEvent('filechooser');
    await page.locator('[data-pick="photo"]').click();
    await (await chooser).setFiles({
      name: 'cup.jpg',
      mimeType: 'image/jpeg',
      buffer: await samplePhoto('coffee-cup.jpg'),
    });
    await page.locator('#dialog input[type="text"]').fill('Coffee <to> go');
    await page.locator('#dialog-send').click();
    await page.locator('.message.out[data-kind="photo"] img').waitFor();
    await bubbleWith('Got it: Coffee <to> go').waitFor();
    expect(bot.photos).toHaveLength(1);
  });

  test('an alert of the bot is shown as a box', async () => {
    await page.locator('.rows button', { hasText: 'Why?' }).click();
    await page.locator('#dialog .alert-text', { hasText: 'It is good' }).waitFor();
    await page.locator('#dialog button', { hasText: 'OK' }).click();
  });

  test('a pressed button starts the work, and the message becomes a video that plays', async () => {
    await page.locator('.rows button', { hasText: 'Create' }).click();
    await page.locator('#toast', { hasText: 'Started' }).waitFor();
    const progress = bubbleWith('Generating');
    await progress.locator('.edited').waitFor();
    await page.locator('#status', { hasText: 'is sending a video' }).waitFor();
    const id = await progress.getAttribute('data-message-id');
    bot.mayFinish = true;
    const video = page.locator(`.message[data-message-id="${id}"] video`);
    await video.waitFor();
    await bubbleWith('Your video').waitFor();
    const time = async () => z.number().parse(await page.evaluate('document.querySelector("video").currentTime'));
    await waitFor(async () => (await time()) > 0.2, { what: 'the video to play', within: 10_000 });
    expect(await page.locator('video').count()).toBe(1);
  });

  test('an invoice is paid with Stars', async () => {
    await page.locator('#keyboard button', { hasText: 'Balance' }).click();
    await page.locator('.rows .pay').click();
    await page.locator('#dialog .primary').click();
    await page.locator('.service', { hasText: 'You paid 250 Stars' }).waitFor();
    expect(await page.locator('.rows .pay').isDisabled()).toBe(true);
  });

  test('who blocks the bot must unblock it to write', async () => {
    await page.locator('#block').click();
    await page.locator('#unblock').waitFor();
    await page.locator('#unblock').click();
    await page.locator('#composer').waitFor();
    await waitFor(
      async () => (await rig.chat(100_001)).messages.filter((each) => each.text === '/start').length === 2,
      {
        what: 'the second /start',
      },
    );
  });

  test('a Russian customer gets a Russian page, and the language goes with the updates', async () => {
    await page.locator('.list [data-new="ru"]').click();
    await page.locator('#start', { hasText: 'Запустить' }).click();
    await bubbleWith('Send me a photo').waitFor();
    expect(bot.languages.at(-1)).toBe('ru');
    await page.locator('.info [data-sample="cat.jpg"]').click();
    await page.locator('#dialog-send', { hasText: 'Отправить' }).click();
    await bubbleWith('Got it: no words').waitFor();
    await page.goto(`${rig.url}/chat/100001`);
    await bubbleWith('Your video').waitFor();
  });

  test('the page loads nothing from outside and has no errors', async () => {
    const outside: string[] = [];
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== rig.url) outside.push(request.url());
    });
    await page.reload();
    await page.locator('.chats a').first().waitFor();
    expect(outside).toEqual([]);
    expect(troubles).toEqual([]);
  });
});
