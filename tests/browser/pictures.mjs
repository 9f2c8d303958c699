// The pictures of the README: the pages of what `steelyard demo --open` did.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { launch } from './browser.mjs';
import { ROOT, Stack } from './stack.mjs';

const FOLDER = join(ROOT, 'docs/pictures');
const PROVIDER = 'shop-assistant';
const PICTURES = [['overview', 'overview', 1080], ['bill-day', 'bills/2014-05-04', 860]];

const stack = await Stack.start('demo', '--open');
const browser = await launch();
try {
  mkdirSync(FOLDER, { recursive: true });
  const page = await browser.newPage({ javaScriptEnabled: false, locale: 'en-GB', colorScheme: 'light' });
  await page.goto(`${stack.url}/local/enter/${PROVIDER}`);
  for (const [name, path, height] of PICTURES) {
    await page.setViewportSize({ width: 1280, height });
    await page.goto(`${stack.url}/portal/providers/${PROVIDER}/${path}`);
    await page.screenshot({ path: join(FOLDER, `${name}.png`) });
    console.log(`docs/pictures/${name}.png`);
  }
} finally {
  await browser.close();
  await stack.stop();
}
