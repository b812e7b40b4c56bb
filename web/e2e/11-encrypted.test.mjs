// Encrypted columns: masks in the grid, values only where they are revealed, and none of them in the browser afterwards.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, assertKeptNowhere, base, cell, openTable, recordsOf, saved, shows, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
const said = [];
page.on('console', (message) => said.push(message.text()));
const name = `Staff ${Date.now() % 1_000_000}`;
const IBAN = 'DE89370400440532013000';
const PIN = `canary-pin-${Date.now() % 1_000_000}`;
const slug = await made();

async function made() {
  const table = await api(page, 'POST', '/api/tables', {
    name,
    columns: [
      { name: 'Name', fieldType: 'text', isPrimary: true },
      { name: 'Iban', fieldType: 'text', encrypted: { mask: 'last4', indexed: true } },
    ],
  });
  const row = (who, iban) => ({ data: { name: who, iban } });
  for (const body of [row('Ann', IBAN), row('Bob', 'GB33BUKB20201555555555')]) {
    await api(page, 'POST', `/api/tables/${table.slug}/records`, body);
  }
  return table.slug;
}

test('a column of secrets is made, and is encrypted whether one asks for it or not', async () => {
  await openTable(page, slug);
  await page.getByRole('button', { name: 'Add column' }).first().click();
  const dialog = page.locator('[role=dialog]');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Pin');
  await dialog.getByRole('option', { name: /^Secret/ }).or(dialog.getByRole('radio', { name: /^Secret/ })).or(dialog.getByRole('button', { name: /^Secret/ })).first().click();
  const box = dialog.getByRole('checkbox', { name: /Encrypt values/ });
  assert.equal(await box.isChecked(), true);
  assert.equal(await box.isDisabled(), true);
  await assertAccessible(page, 'a column of secrets');
  await dialog.getByRole('button', { name: 'Add column' }).click();
  await page.waitForSelector('[role=columnheader]:has-text("Pin")');
});

test('what is typed becomes a mask, and an administrator reveals it for a while', async () => {
  await openTable(page, slug);
  await shows(page, 0, 1, '••••3000');
  const drawn = await cell(page, 0, 1).locator('.veiled').evaluate((one) => getComputedStyle(one).webkitTextSecurity);
  assert.equal(drawn, 'none', 'what a mask shows can be read');
  await cell(page, 0, 2).click();
  await page.keyboard.type(PIN, { delay: 10 });
  await page.keyboard.press('Enter');
  await shows(page, 0, 2, '••••••••');
  await saved(page);
  const ann = (await recordsOf(page, slug))[0];
  assert.equal(ann.data.pin, '••••••••');
  await page.goto(`${base}/t/${slug}/r/${ann.id}`);
  await page.getByRole('button', { name: /Reveal.*Pin|Pin.*reveal/i }).click();
  await page.waitForSelector(`text=${PIN}`);
  await assertAccessible(page, 'a revealed value');
  await page.getByRole('button', { name: /^Hide/ }).first().click();
  await page.waitForFunction((pin) => !document.body.textContent.includes(pin), PIN);
  await page.goto(`${base}/t/${slug}`);
  await shows(page, 0, 2, '••••••••');
  await assertKeptNowhere(page, said, PIN);
});

test('equal values are found without a word of it in the address, and nothing is offered that would be refused', async () => {
  await openTable(page, slug);
  await page.click('button:has-text("Filter")');
  await page.click('button:has-text("Condition")');
  const pick = async (label, option) => {
    await page.getByRole('textbox', { name: label }).or(page.getByRole('combobox', { name: label })).first().click();
    await page.getByRole('option', { name: option, exact: true }).click();
  };
  await pick('Field', 'Iban');
  await page.fill('input[aria-label="Value for Iban"]', IBAN);
  await page.waitForSelector('.toolbar-count:has-text("1 record")');
  assert.ok(!page.url().includes(IBAN), page.url());
  await page.getByRole('textbox', { name: 'Operator' }).or(page.getByRole('combobox', { name: 'Operator' })).first().click();
  await page.getByRole('option').first().waitFor();
  const offered = await page.getByRole('option').allTextContents();
  assert.equal(offered.length, 6, offered.join(', '));
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.locator('[role=columnheader]:has-text("Iban")').click({ button: 'right' });
  await page.waitForSelector('[role=menuitem]:has-text("Filter")');
  assert.equal(await page.locator('[role=menuitem]:has-text("Sort")').count(), 0);
  await page.keyboard.press('Escape');
});

test('nothing was wrong on the way', async () => {
  await assertClean(session);
});
