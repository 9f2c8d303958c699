// What holds of every page in every state. A page is seen once, and then looked at again in a second browser context
// whose scripts may run, because axe-core is one: at both widths, in both colour schemes, and on paper.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { AXE } from './browser.mjs';

// 100 KB a page, its style sheet included.
const BYTES_MAX = 100_000;

// A page is written in both languages by one template: each language has one scheme at each width, and the other
// language the other.
const LOOKS = {
  en: [{ width: 1440, scheme: 'light', opened: true }, { width: 360, scheme: 'dark', opened: false }],
  zh: [{ width: 360, scheme: 'light', opened: true }, { width: 1440, scheme: 'dark', opened: false }],
};

// A page of a state has one look in each language.
const LOOKS_OF_STATE = {
  en: [{ width: 360, scheme: 'dark', opened: true }],
  zh: [{ width: 1440, scheme: 'light', opened: true }],
};

// The width of an A4 page between the margins of the style sheet, in CSS pixels: 180 mm.
const PAPER_WIDTH = Math.floor(180 / 25.4 * 96);

export class Inspection {
  constructor(browser, folder) {
    this.browser = browser;
    this.folder = folder;
    this.faults = [];
    this.seen = [];
    this.waiting = [];
    mkdirSync(folder, { recursive: true });
  }

  fault(text) {
    this.faults.push(text);
    console.log(`FAULT: ${text}`);
  }

  /** Takes a page to be looked at: its name, language, address, text and policy. */
  add(sight) {
    this.seen.push(`${sight.name}.${sight.lang}`);
    this.waiting.push(sight);
  }

  /** Looks at what was added so far. Two pages work side by side. */
  async work() {
    const contexts = await Promise.all([0, 1].map(() => this.browser.newContext()));
    await Promise.all(contexts.map(async (context) => {
      const page = await context.newPage();
      for (let sight = this.waiting.shift(); sight; sight = this.waiting.shift()) await this.look(page, sight);
      await context.close();
    }));
  }

  async look(page, sight) {
    const name = `${sight.name}.${sight.lang}`;
    const serve = (route) => route.fulfill({
      contentType: 'text/html; charset=utf-8', body: sight.html,
      headers: sight.policy ? { 'content-security-policy': sight.policy } : {},
    });
    const is_document = (url) => url.href === sight.url;
    await page.route(is_document, serve);
    try {
      const looks = (sight.is_state ? LOOKS_OF_STATE : LOOKS)[sight.lang];
      for (const look of looks) {
        const where = `${name} at ${look.width} px, ${look.scheme}`;
        await page.setViewportSize({ width: look.width, height: 900 });
        await page.emulateMedia({ colorScheme: look.scheme, media: 'screen' });
        if (look === looks[0]) await page.goto(sight.url);
        await page.evaluate((opened) => document.querySelectorAll('details').forEach((each) => { each.open = opened; }), look.opened);
        await this.checkWidth(page, where);
        await this.checkAccess(page, where);
        if (!sight.is_state) await page.screenshot({ path: join(this.folder, `${name}.${look.width}.${look.scheme}.png`), fullPage: true });
      }
      await this.checkSize(page, sight, name);
      await page.setViewportSize({ width: PAPER_WIDTH, height: 900 });
      await page.emulateMedia({ media: 'print', colorScheme: 'light' });
      await this.checkWidth(page, `${name} on A4`);
      if (sight.pages) await this.checkPaper(page, sight, name);
    } finally {
      await page.unroute(is_document);
    }
  }

  /** Nothing makes the page scroll sideways. */
  async checkWidth(page, where) {
    const wide = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      if (scrollWidth <= clientWidth) return null;
      const beyond = (each) => each.getBoundingClientRect().right > clientWidth + 0.5;
      const found = [...document.querySelectorAll('main *')].filter(beyond).map((each) => each.outerHTML.slice(0, 120));
      return `${scrollWidth} px in ${clientWidth}: ${found.slice(0, 3).join(' | ')}`;
    });
    if (wide) this.fault(`${where} is too wide: ${wide}`);
  }

  async checkAccess(page, where) {
    if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
    const violations = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
      return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id} (${help}): ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`));
    });
    for (const violation of violations) this.fault(`${where}: axe-core: ${violation}`);
  }

  async checkSize(page, sight, name) {
    const sheets = await page.evaluate(async () => {
      const links = [...document.querySelectorAll('link[rel=stylesheet]')].map((link) => link.href);
      return links;
    });
    let bytes = Buffer.byteLength(sight.html);
    for (const sheet of sheets) bytes += Buffer.byteLength(await (await fetch(sheet)).text());
    if (bytes > BYTES_MAX) this.fault(`${name} has ${bytes} bytes with its style sheet`);
  }

  /** The page printed on A4 has the pages that it should have. */
  async checkPaper(page, sight, name) {
    const pdf = await page.pdf({ path: join(this.folder, `${name}.pdf`), preferCSSPageSize: true, printBackground: true });
    const text = pdf.toString('latin1');
    const pages = text.match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
    if (pages !== sight.pages) this.fault(`${name} prints on ${pages} pages, and not on ${sight.pages}`);
    const sizes = new Set(text.match(/\/MediaBox\s*\[[^\]]*\]/g));
    for (const size of sizes) {
      const [width, height] = size.match(/[\d.]+/g).slice(2).map(Number);
      // A4 in points.
      if (Math.abs(width - 595.3) > 1 || Math.abs(height - 841.9) > 1) this.fault(`${name} prints on ${size}`);
    }
  }
}
