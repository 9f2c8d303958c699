// The pages, as two people walk through them side by side, one in English on a wide screen, one in Chinese on a phone:
// from the start page to a bill and its reports, a quote, a recharge, an agreement, a debit, a limit, the end, a budget, a
// spend cap and a deposit.

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { launch } from './browser.mjs';
import { crossBudgetAndCap, payDeposit, returnDeposit, setBudgetAndCap } from './deposit.mjs';
import { Inspection } from './inspection.mjs';
import { ROOT, Stack, until } from './stack.mjs';
import { Visitor } from './visitor.mjs';

const BASIC = 'taobao.trades.sold.get';
const VALUE_ADDED = 'vas.sms.send';

// Pages of operators that the portal serves. What is here is walked through by `operate`.
const OPERATOR_PAGES = ['providers', 'debits', 'reconciliation', 'runs', 'receivables', 'actions'];

// What the tests of the pages leave behind.
const RENDERED = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'tmp/look');

const STARTED = performance.now();

function say(text) {
  console.log(`[${((performance.now() - STARTED) / 1000).toFixed(1).padStart(5)} s] ${text}`);
}

class Walk {
  basic = BASIC;

  async run() {
    this.browser = await launch();
    this.inspection = new Inspection(this.browser, join(ROOT, 'target/browser'));
    this.stack = await Stack.start('local', '--port', '0', '--speed', '0', '--now', '2015-05-04T09:00', '--log', 'info');
    try {
      await this.story();
      say(`${this.inspection.seen.length} pages were seen; each is looked at on two screens and on paper`);
      await this.inspection.work();
    } finally {
      await this.stack.stop();
      await this.browser.close();
    }
    const faults = this.inspection.faults.length;
    say(`pictures are in ${this.inspection.folder}`);
    console.log(`${this.inspection.seen.length} passed, ${faults} failed`);
    return faults === 0;
  }

  async story() {
    const open = (who) => Visitor.open(this.browser, this.stack, this.inspection, who);
    this.visitors = [
      await open({ lang: 'en', provider: 'shop-assistant', width: 1440, scheme: 'light' }),
      await open({ lang: 'zh', provider: 'parcel-tracker', width: 360, scheme: 'dark' }),
    ];
    const steps = [
      this.start, this.enter, this.recharge, this.sign, this.firstNight, this.readBill, this.hold, this.debit, this.lower,
      this.quote, this.secondNight, this.end, setBudgetAndCap, crossBudgetAndCap, payDeposit, returnDeposit, this.operate,
      this.refusals, this.finish, this.states,
    ];
    for (const step of steps) {
      say(step.name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
      await step.call(this);
    }
  }

  async each(action) {
    for (const visitor of this.visitors) await action(visitor);
  }

  /** Clicks on the start page until everything has run that runs up to an instant. */
  async clockTo(time) {
    const [visitor] = this.visitors;
    for (;;) {
      await visitor.open('/');
      const next = await visitor.page.locator('form[action="/local/clock"] input').getAttribute('value');
      if (new Date(next) > new Date(time)) return;
      await visitor.click('form[action="/local/clock"] button');
      await this.stack.quiet();
    }
  }

  /** The start page leads a new user on, and shows the providers once they are there. */
  async start() {
    await this.each(async (visitor) => {
      await visitor.open('/');
      visitor.see('start-empty');
    });
    await this.stack.tool('plan', 'add', 'plans/jushita-2014.json');
    await this.stack.tool('plan', 'add', 'plans/four-tiers.json');
    for (const { provider } of this.visitors) {
      await this.stack.tool('provider', 'add', provider, '--plan', 'jushita-2014', '--billed-from', '2015-05');
    }
  }

  async enter() {
    await this.each(async (visitor) => {
      await visitor.open('/');
      await visitor.click(`a[href="/local/enter/${visitor.provider}"]`);
      visitor.expect('first page', new URL(visitor.url).pathname, `/portal/providers/${visitor.provider}/overview`);
      const cookie = (await visitor.context.cookies()).find(({ name }) => name === '__Host-steelyard');
      visitor.expect('cookie of the session', `${cookie?.secure} ${cookie?.httpOnly} ${cookie?.sameSite}`, 'true true Lax');
      visitor.see('overview-new');
      for (const page of ['costs', 'bills', 'ledger']) {
        await visitor.own(page);
        visitor.see(`${page}-new`);
      }
    });
    await this.stack.report('day-1', '2015-05-04', this.visitors.map(({ provider }) => [provider, BASIC, 620_000]));
    await this.each(async (visitor) => {
      await visitor.own('overview');
      visitor.expect('estimate', await visitor.figure('.est .big'), '12.00');
      visitor.see('overview-estimated');
    });
  }

  /** Three notifications arrive of one payment, and the balance rises once. */
  async recharge() {
    await this.each(async (visitor) => {
      await visitor.own('recharge');
      visitor.see('recharge');
      await visitor.fill('#amount', 'much');
      await visitor.click('form[action$="/recharge"] button');
      visitor.expect('status', visitor.status, 422);
      visitor.see('recharge-refused');
      await visitor.fill('#amount', '3.00');
      await visitor.page.locator('input[name=way][value=code]').check();
      await visitor.click('form[action$="/recharge"] button');
      visitor.see('recharge-code');

      await visitor.own('recharge');
      await visitor.fill('#amount', '5.00');
      await visitor.click('form[action$="/recharge"] button');
      visitor.see('recharge-pay');
      const result = await visitor.page.locator('a.btn.quiet').getAttribute('href');
      const alipay = await visitor.page.locator('a.btn:not(.quiet)').getAttribute('href');
      await visitor.open(result);
      visitor.see('recharge-waiting');

      await visitor.open(alipay);
      visitor.seeForeign('alipay-pay');
      const log = ['a notification is booked', 'a notification says nothing new'];
      const before = log.map((text) => this.stack.logged(text));
      await this.stack.ask('/local/notification-faults', { body: { fault: 'triplicate', times: 1 } });
      await visitor.fill('#payer', `${visitor.provider}@alipay`);
      await visitor.fill('#funds', '1000.00');
      await visitor.click('button[value=yes]');
      visitor.expect('page after the payment', new URL(visitor.url).pathname, new URL(result, this.stack.url).pathname);
      await until('three notifications', () => this.stack.logged(log[1]) === before[1] + 2);
      visitor.expect('notifications that are booked', this.stack.logged(log[0]), before[0] + 1);
      await visitor.open(result);
      visitor.see('recharge-paid');
      await visitor.own('overview');
      visitor.expect('prepaid', await visitor.figure('.trio dd.fig'), '5.00');
      await visitor.own('ledger');
      visitor.see('ledger-recharged');
    });
  }

  async sign() {
    await this.each(async (visitor) => {
      await visitor.own('withholding');
      visitor.see('withholding-off');
      const form = 'form[action$="/withholding/sign"]';
      await visitor.click(`${form} button`);
      visitor.expect('status', visitor.status, 422);
      visitor.see('withholding-not-agreed');
      await visitor.page.locator('#agree').check();
      await visitor.click(`${form} button`);
      visitor.see('withholding-sign');
      await visitor.click('a.btn[rel=noreferrer]');
      visitor.seeForeign('alipay-sign');
      await visitor.fill('#payer', `${visitor.provider}@alipay`);
      await visitor.fill('#funds', '1000.00');
      await visitor.click('button[value=yes]');
      visitor.expect('page after signing', new URL(visitor.url).pathname, '/');
      await until('the agreement', async () => {
        await visitor.own('withholding');
        return visitor.has('#single');
      });
      visitor.see('withholding-on');
    });
  }

  /** At 00:30 the first day is charged: 120,000 calls beyond the allowance. */
  async firstNight() {
    await this.clockTo('2015-05-04T16:30:00Z');
    await this.each(async (visitor) => {
      await until('the bill', async () => {
        await visitor.own('bills');
        return visitor.has('a[href$="/bills/2015-05-04"]');
      });
      visitor.see('bills');
      await visitor.own('overview');
      visitor.expect('next withholding', await visitor.figure('.hero-fig'), '7.00');
      visitor.see('overview-due');
    });
  }

  /** From the list of bills to a bill, its lines, and the reports behind them. */
  async readBill() {
    await this.each(async (visitor) => {
      await visitor.own('bills');
      await visitor.click('a[href$="/bills/2015-05-04"]');
      visitor.expect('charge', await visitor.figure('.hero-fig'), '12.00');
      const line = visitor.page.locator('details.line[open]').first();
      visitor.expect('calls of the line', (await line.locator('.lc').textContent()).includes('620,000'), true);
      const report = line.locator('a[href^="#report-"]').first();
      visitor.expect('report of the line', await report.textContent(), 'day-1');
      await report.click();
      const target = visitor.page.locator(new URL(visitor.page.url()).hash);
      visitor.expect('report', (await target.textContent()).includes('day-1'), true);
      visitor.see('bill-due', { pages: 2 });
      await visitor.own('bills/2015-05');
      visitor.see('bill-month', { pages: 1 });
      for (const [name, page, status] of [
        ['costs', 'costs'], ['costs-by-api', 'costs?by=month&group=api'], ['costs-refused', 'costs?from=x', 422],
      ]) {
        await visitor.own(page, status);
        visitor.see(name);
      }
      await visitor.open('/portal/reference');
      visitor.see('reference');
      await visitor.click('a[href="/portal/reference/overview"]');
      visitor.see('reference-route');
    });
  }

  /** Alipay says that our requests are wrong, so the debits are held. An operator has them sent again. */
  async hold() {
    const fault = { refused: { code: '40004', sub_code: 'ACQ.INVALID_PARAMETER' } };
    await this.stack.ask('/local/faults', { body: { method: 'alipay.trade.pay', fault, times: this.visitors.length } });
    await this.clockTo('2015-05-05T03:00:00Z');
    await this.each(async (visitor) => {
      const form = `form:has(input[name=provider][value="${visitor.provider}"])`;
      await visitor.open('/');
      await visitor.click(`a[href^="/local/enter/${visitor.provider}?operator="]`);
      await until('the held debit', async () => {
        await visitor.open('/portal/operator/debits');
        return visitor.has(form);
      });
      visitor.see('operator-debit-held');
      await visitor.page.locator(`${form} input[name=do][value=retry]`).check();
      await visitor.click(`${form} button`);
      visitor.expect('status', visitor.status, 422);
      visitor.see('operator-debit-without-reason');
      await visitor.fill(`${form} input[name=reason]`, 'the request is mended');
      await visitor.click(`${form} button`);
      visitor.expect('status', visitor.status, 200);
      visitor.see('operator-debit-resolved');
      await visitor.open('/portal/operator/actions');
      visitor.expect('trail', (await visitor.page.locator('main').textContent()).includes('the request is mended'), true);
      visitor.see('operator-actions-done');
      await visitor.open('/');
      await visitor.click(`a[href="/local/enter/${visitor.provider}"]`);
    });
  }

  /** In the morning what is owed is withheld, and Alipay's bill confirms it a day later. */
  async debit() {
    await this.clockTo('2015-05-05T04:00:00Z');
    await this.each(async (visitor) => {
      await until('the debit', async () => {
        await visitor.own('withholding');
        return visitor.has('section[aria-labelledby=pd] .chip.go');
      });
      visitor.expect('withheld', await visitor.figure('section[aria-labelledby=pd] tbody td.n'), '7.00');
      visitor.see('withholding-paid');
      await visitor.own('ledger?kind=debits');
      visitor.see('ledger-debits');
      await visitor.own('ledger');
      visitor.see('ledger');
      await visitor.own('bills/2015-05-04');
      visitor.see('bill-paid', { pages: 2 });
      await visitor.own('overview');
      visitor.see('overview-paid', { pages: 2 });
    });
  }

  async lower() {
    await this.each(async (visitor) => {
      await visitor.own('withholding');
      const button = 'form[action$="/withholding/limits"] button';
      await visitor.fill('#single', '99999');
      await visitor.click(button);
      visitor.expect('status', visitor.status, 422);
      visitor.see('withholding-limits-refused');
      await visitor.fill('#single', '100.00');
      await visitor.click(button);
      visitor.see('withholding-limits-saved');
      await visitor.fill('#single', '90.00');
      await visitor.click(button);
      visitor.expect('status', visitor.status, 200);
      await visitor.own('withholding');
      visitor.expect('limit', await visitor.page.locator('#single').inputValue(), '90.00');
    });
  }

  /** What the calculator says of calls on top of the month is what their bill charges. */
  async quote() {
    const calls = [[BASIC, 250_000], [VALUE_ADDED, 150_000]];
    await this.each(async (visitor) => {
      await visitor.own('calculator');
      visitor.see('calculator');
      await visitor.fill('#list', `${BASIC},many\nx`);
      await visitor.click('form[action$="/calculator"] button');
      visitor.see('calculator-refused');
      await visitor.fill('#list', calls.map((line) => line.join(',')).join('\n'));
      await visitor.click('form[action$="/calculator"] button');
      visitor.quoted = await visitor.figure('.hero-fig');
      visitor.expect('quote', visitor.quoted, '40.00');
      visitor.see('calculator-quoted');
    });
    const of = ({ provider }) => calls.map(([api, count]) => [provider, api, count]);
    await this.stack.report('day-2', '2015-05-05', this.visitors.flatMap(of));
  }

  async secondNight() {
    await this.clockTo('2015-05-05T16:30:00Z');
    await this.each(async (visitor) => {
      await until('the bill', async () => {
        await visitor.own('bills');
        return visitor.has('a[href$="/bills/2015-05-05"]');
      });
      await visitor.click('a[href$="/bills/2015-05-05"]');
      visitor.expect('charge', await visitor.figure('.hero-fig'), visitor.quoted);
      visitor.see('bill-two-lines');
    });
  }

  /** The agreement ends at once, and what is owed stays owed. */
  async end() {
    await this.each(async (visitor) => {
      await visitor.own('withholding');
      const button = 'form[action$="/withholding/end"] button';
      await visitor.click(button);
      visitor.expect('status', visitor.status, 422);
      visitor.see('withholding-end-refused');
      await visitor.page.locator('#sure').check();
      await visitor.click(button);
      visitor.see('withholding-ending');
    });
    await this.clockTo('2015-05-06T03:00:00Z');
    await this.each(async (visitor) => {
      await until('the end', async () => {
        await visitor.own('withholding');
        return visitor.has('form[action$="/withholding/sign"]');
      });
      visitor.see('withholding-ended');
      await visitor.own('overview');
      visitor.see('overview-owed');
      await visitor.open(`/local/payers/${encodeURIComponent(`${visitor.provider}@alipay`)}/agreements`);
      visitor.seeForeign('alipay-agreements');
    });
  }

  /** An operator sees the pages of a provider, and the operators' own. */
  async operate() {
    await this.each(async (visitor) => {
      await visitor.open('/');
      await visitor.click(`a[href^="/local/enter/${visitor.provider}?operator="]`);
      await visitor.own('overview');
      visitor.see('operator-overview');
      for (const page of ['recharge', 'withholding']) {
        await visitor.own(page);
        visitor.expect(`forms of ${page}`, await visitor.has('main form'), false);
        visitor.see(`operator-${page}`);
      }
      await visitor.own('sessions');
      visitor.see('operator-sessions');
      for (const page of OPERATOR_PAGES) {
        await visitor.open(`/portal/operator/${page}`);
        visitor.see(`operator-${page}`);
      }
    });
  }

  /** What is refused is a page that says so. */
  async refusals() {
    await this.each(async (visitor) => {
      const link = (await this.stack.tool('portal', visitor.provider, '--print')).trim();
      await visitor.open(link);
      await visitor.open(link, 410);
      visitor.see('link-used');
      await visitor.own('nothing', 404);
      visitor.see('not-found');
      await visitor.own('ledger?kind=x', 400);
      visitor.see('malformed');
      await visitor.own('overview');
      await visitor.click('form[action="/portal/leave"] button');
      visitor.expect('page after the end of the session', new URL(visitor.url).pathname, '/portal/left');
      visitor.see('signed-out');
      await visitor.own('overview', 401);
      visitor.see('not-signed-in');
    });
  }

  /** The start page in the end, and the other language by a click. */
  async finish() {
    await this.each(async (visitor) => {
      await visitor.open('/');
      visitor.see('start');
      await visitor.click('.who a[hreflang]');
      const other = visitor.lang === 'zh' ? 'en' : 'zh-Hans';
      visitor.expect('other language', visitor.html.includes(`<html lang="${other}">`), true);
    });
    await this.stack.tool('audit');
  }

  /** The pages that the tests rendered: among them states that take months to come about. */
  states() {
    const age = (name) => statSync(join(RENDERED, name)).mtimeMs;
    const all = readdirSync(RENDERED).filter((name) => name.endsWith('.html'));
    // What an earlier version of the tests left is not of this one.
    const newest = Math.max(...all.map(age));
    const files = all.filter((name) => age(name) > newest - 600_000);
    if (files.length < 100) throw new Error(`${RENDERED} has ${files.length} pages; run cargo test -p steelyard-pages first`);
    for (const file of files) {
      const [, name, lang] = file.match(/^(.*)\.(en|zh)\.html$/);
      const html = readFileSync(join(RENDERED, file), 'utf8').replace('href="page.css"', 'href="/portal/page.css"');
      this.inspection.add({ name: `state-${name}`, lang, url: `${this.stack.url}/portal/state/${file}`, html, is_state: true });
    }
  }
}

process.exitCode = await new Walk().run() ? 0 : 1;
