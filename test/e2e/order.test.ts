import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Launched, launchChromium } from '../../dev/browser/chromium.ts';
import { en } from '../../src/texts/en.ts';
import { ru } from '../../src/texts/ru.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { waitFor } from '../support/wait.ts';

const launched: Launched = await launchChromium();
const reason = launched.browser === undefined ? launched.reason : '';
if (reason !== '') console.warn(`skipped: ${reason}`);

const price = 1;
/** Of one screen, on a machine that is busy with other tests. */
const patienceMs = 60_000;

describe.skipIf(launched.browser === undefined)('a person on the chat page', () => {
  let stack: TestStack;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    if (launched.browser === undefined) throw new Error(reason);
    browser = launched.browser;
    stack = await startTestStack();
    page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(patienceMs);
    await page.goto(stack.endpoints().chat);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await stack?.erase();
  }, 60_000);

  const bubble = (text: string): Locator => page.locator('.message', { hasText: text }).last();
  const button = (text: string): Locator => page.locator('.rows button', { hasText: text }).last();
  const lineOf = (html: string): string => firstLine(html.replaceAll(/<[^>]+>/g, ''));

  async function say(text: string): Promise<void> {
    await page.locator('#input').fill(text);
    await page.locator('#send').click();
  }

  async function sendSample(name: string): Promise<void> {
    await page.locator(`.info [data-sample="${name}"]`).click();
    await page.locator('#dialog-send').click();
    await page.locator('.message.out[data-kind="photo"] img').last().waitFor();
  }

  async function orderWith(texts: typeof en | typeof ru, photo: string, words: string): Promise<void> {
    await page.locator('#start').click();
    await button(texts.accept).click();
    await bubble(firstLine(texts.welcome(welcomed).replaceAll(/<[^>]+>/g, ''))).waitFor();
    await sendSample(photo);
    await bubble(firstLine(texts.askText({ maxCharacters: 4000 }).slice(0, 30))).waitFor();
    await say(words);
    await button(texts.template.ad).click();
    await button(texts.skip).click();
    await button(texts.create({ count: 1, price })).click();
  }

  const videos = (): Promise<number> => page.locator('.message video').count();
  const playing = async (): Promise<boolean> => {
    const seconds = await page.evaluate('[...document.querySelectorAll("video")].at(-1).currentTime');
    return z.number().parse(seconds) > 0.2;
  };

  test('sends the sample photo, presses the buttons, and sees the progress message become a playing video', async () => {
    await page.locator('[data-new="en"]').first().click();
    await orderWith(en, 'coffee-cup.jpg', 'A hand-made coffee cup, 250 ml');
    const generating = bubble(lineOf(en.progress({ ...facts, stage: 'generating' })));
    await generating.waitFor();
    const id = await generating.getAttribute('data-message-id');
    await page.locator(`.message[data-message-id="${id}"] video`).waitFor();
    await bubble(en.videoCaption).waitFor();
    await waitFor(playing, { what: 'the video to play', within: patienceMs });
    await bubble(lineOf(en.delivered({ ...alone, credits: price, available: 2 }))).waitFor();
    expect(await videos()).toBe(1);
  }, 120_000);

  test('presses Generate Again and gets a second video for a second credit', async () => {
    await button(en.again(price)).click();
    await bubble(lineOf(en.delivered({ ...alone, credits: price, available: 1 }))).waitFor();
    expect(await videos()).toBe(2);
    await waitFor(playing, { what: 'the second video to play', within: patienceMs });
  }, 120_000);

  test('in Russian, sends a photo with a person, and is told why it was refused, what came back and the balance', async () => {
    await page.locator('.list [data-new="ru"]').click();
    await orderWith(ru, 'person.jpg', 'Космический костюм для праздника');
    const refusal = bubble(ru.trouble.person.what);
    await refusal.waitFor();
    const words = (await refusal.innerText()).replaceAll(/\s+/g, ' ');
    expect(words).toContain('Возвращено: 1 кредит.');
    expect(words).toContain('Баланс: 3 кредита.');
    expect(words).toContain(ru.trouble.person.tip);
    expect(await videos()).toBe(0);
  }, 120_000);
});

const alone = { position: 1, count: 1, othersOpen: false };
const welcomed = { granted: 3, available: 3, price, usualSeconds: 10 };
const facts = { position: 1, count: 1, place: null, elapsedSeconds: 0, usualSeconds: 10 };

function firstLine(text: string): string {
  return text.split('\n')[0]?.trim() ?? '';
}
