// Takes docs/images/chat.png from the running demo: the conversation of the newest customer whose video arrived.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { endpointsFile } from '../demo/endpoints.ts';
import { until } from '../demo/until.ts';
import { checkout } from '../places.ts';
import { launchChromium } from './chromium.ts';

const chats = z.array(z.object({ chat: z.number(), user: z.object({ language_code: z.string() }) }));
const target = join(checkout, 'docs/images/chat.png');

const { chat: address, telegram } = endpointsFile.parse(
  JSON.parse(readFileSync(join(checkout, '.demo', 'endpoints.json'), 'utf8')),
);
const customer = chats
  .parse(await (await fetch(`${telegram}/dev/chats`)).json())
  .filter(({ user }) => user.language_code === 'en')
  .reduce((newest, one) => (one.chat > newest.chat ? one : newest));
const launched = await launchChromium();
if (launched.browser === undefined) throw new Error(launched.reason);
try {
  const page = await launched.browser.newPage({ viewport: { width: 1180, height: 860 } });
  await page.goto(`${address}chat/${customer.chat}`);
  const videos = page.locator('.message video');
  await videos.first().waitFor();
  await videos.first().scrollIntoViewIfNeeded();
  await until('a picture of the first video', 30, async () => {
    const seconds = await page.evaluate('document.querySelector("video").currentTime');
    return z.number().parse(seconds) > 0.5 || undefined;
  });
  const shot = await page.screenshot();
  mkdirSync(join(checkout, 'docs/images'), { recursive: true });
  // A palette is enough for a page: a third of the size, and nobody sees the difference.
  const { size } = await sharp(shot).png({ palette: true, quality: 90, effort: 10 }).toFile(target);
  console.log(`${target}: ${Math.ceil(size / 1024)} KiB, chat ${customer.chat}`);
} finally {
  await launched.browser.close();
}
