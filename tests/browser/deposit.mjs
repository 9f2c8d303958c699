// What guards a provider and the platform, as steps of the walk: a budget and a spend cap that are crossed, and a deposit
// that is announced, paid, and returned by two operators.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { until } from './stack.mjs';

const DEPOSIT = { override: 'deposit', from: '2015-05-07', deposit: { amount: '50', due_after_days: 10 } };

/** A budget and a cap below what the month will cost. The terms want a deposit from the next day on. */
export async function setBudgetAndCap() {
  const file = join(this.stack.folder, 'deposit.json');
  writeFileSync(file, JSON.stringify(DEPOSIT));
  await this.each(async (visitor) => {
    await this.stack.tool('provider', 'override', 'add', visitor.provider, file);
    await visitor.own('alerts');
    visitor.expect('alerts that stand', await visitor.has('dl.facts'), false);
    visitor.see('alerts');
    const button = 'form[action$="/alerts"] button';
    await visitor.fill('#monthly', 'much');
    await visitor.click(button);
    visitor.expect('status', visitor.status, 422);
    visitor.see('alerts-refused');
    await visitor.fill('#monthly', '60.00');
    await visitor.fill('#percent', '50, 80');
    await visitor.fill('#cap', '50.00');
    await visitor.click(button);
    visitor.expect('status', visitor.status, 200);
    visitor.expect('saved', await visitor.has('form [role=status]'), true);
    visitor.see('alerts-saved');
    await visitor.own('alerts');
    visitor.expect('cap', await visitor.page.locator('#cap').inputValue(), '50.00');
  });
}

/** The month costs 53.00: 88% of the budget, and more than the cap. */
export async function crossBudgetAndCap() {
  await this.stack.report('day-3', '2015-05-06', this.visitors.map(({ provider }) => [provider, this.basic, 10_000]));
  await this.clockTo('2015-05-06T16:30:00Z');
  await this.each(async (visitor) => {
    await until('the bill', async () => {
      await visitor.own('bills');
      return visitor.has('a[href$="/bills/2015-05-06"]');
    });
    await visitor.own('alerts');
    const standing = await visitor.page.locator('dl.facts').first().textContent();
    for (const figure of ['80%', '48.00', '53.00', '50.00']) visitor.expect(`${figure} in ${standing}`, standing.includes(figure), true);
    visitor.see('alerts-crossed');
  });
}

/** The deposit that was announced in the night is paid at Alipay, and pays nothing that is owed. */
export async function payDeposit() {
  await this.each(async (visitor) => {
    await visitor.own('overview');
    visitor.expect('deposit', (await visitor.page.locator('main').textContent()).includes('50.00'), true);
    visitor.see('overview-deposit');
    await visitor.own('recharge');
    await visitor.page.locator('input[name=purpose][value=deposit]').check();
    await visitor.fill('#amount', '50.00');
    visitor.see('recharge-deposit');
    await visitor.click('form[action$="/recharge"] button');
    const result = await visitor.page.locator('a.btn.quiet').getAttribute('href');
    await visitor.open(await visitor.page.locator('a.btn:not(.quiet)').getAttribute('href'));
    await visitor.fill('#payer', `${visitor.provider}@alipay`);
    await visitor.fill('#funds', '1000.00');
    await visitor.click('button[value=yes]');
    await until('the deposit', async () => {
      const shown = JSON.parse(await this.stack.tool('deposit', 'show', visitor.provider, '--json'));
      return shown.held_fen === 5_000 && shown.shortfall_fen === 0;
    });
    await visitor.open(result);
    visitor.see('recharge-deposit-paid');
    await visitor.own('overview');
    visitor.see('overview-deposit-paid');
  });
}

/** One operator asks for the return, and another approves the amounts on the page of actions. */
export async function returnDeposit() {
  await this.each(async (visitor) => {
    const asked = ['--request', `exit ${visitor.provider}`, '--reason', 'it leaves', '--by', 'li'];
    const action = JSON.parse(await this.stack.tool('deposit', 'return', visitor.provider, ...asked, '--json'));
    visitor.expect('what is shown', `${action.returns.drawn_fen} ${action.returns.returned_fen}`, '4100 900');
    await visitor.open('/');
    await visitor.click(`a[href^="/local/enter/${visitor.provider}?operator="]`);
    await visitor.open('/portal/operator/actions');
    const notice = await visitor.page.locator('section[aria-labelledby=waiting]').textContent();
    for (const amount of ['9.00', '41.00']) visitor.expect(`${amount} in ${notice}`, notice.includes(amount), true);
    visitor.see('operator-deposit-return');
    const form = `form:has(input[name=action][value="${action.id}"])`;
    await visitor.page.locator(`${form} input[name=do][value=approve]`).check();
    await visitor.fill(`${form} input[name=reason]`, 'it owes nothing more');
    await visitor.click(`${form} button`);
    visitor.expect('status', visitor.status, 200);
    visitor.see('operator-deposit-returned');
    const shown = JSON.parse(await this.stack.tool('actions', 'show', action.id, '--json'));
    visitor.expect('phase', `${shown.phase} ${shown.approved?.by === 'li'}`, 'done false');
    await visitor.open('/');
    await visitor.click(`a[href="/local/enter/${visitor.provider}"]`);
  });
  await this.clockTo('2015-05-07T03:00:00Z');
  await this.each(async (visitor) => {
    await until('the end of the refund', async () => {
      await visitor.own('ledger?kind=refunds');
      return visitor.has('.chip.go');
    });
    visitor.see('ledger-deposit-returned');
    await visitor.own('ledger');
    visitor.see('ledger-deposit');
  });
}
