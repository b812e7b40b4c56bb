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

const dialog = page.locator('[role=dialog]');
const press = (label) => dialog.getByRole('button', { name: label, exact: true }).last().click();
const PHRASES = [`canary-phrase-${Date.now() % 1_000_000}-4711`, `canary-words-${Date.now() % 1_000_000}-0815`];

/** A table with values that are not encrypted, one of them changed since. */
async function readable() {
  const table = await api(page, 'POST', '/api/tables', {
    name: `Safe ${Date.now() % 1_000_000}`,
    columns: [
      { name: 'Name', fieldType: 'text', isPrimary: true },
      { name: 'Phrase', fieldType: 'text' },
      { name: 'Code', fieldType: 'text', validation: { unique: true } },
      { name: 'Note', fieldType: 'text', defaultValue: 'none' },
      { name: 'Pin', fieldType: 'secret' },
    ],
  });
  const path = `/api/tables/${table.slug}/records`;
  const ann = await api(page, 'POST', path, { data: { name: 'Ann', phrase: PHRASES[1] } });
  await api(page, 'PATCH', `${path}/${ann.id}`, { data: { phrase: PHRASES[0] } });
  return { slug: table.slug, id: ann.id };
}

async function openMenu(column) {
  await page.locator(`[role=columnheader]:has-text("${column}")`).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Edit column' }).waitFor();
}

async function ask(column, job) {
  await openMenu(column);
  await page.getByRole('menuitem', { name: job, exact: true }).click();
  await dialog.getByRole('checkbox', { name: /^Only try it/ }).waitFor();
}

async function ends(told) {
  await dialog.getByRole('status').getByText(told).waitFor();
  await page.waitForTimeout(300);
}

test('a column that has values is encrypted, shown in masks, and made readable again', async () => {
  const table = await readable();
  await openTable(page, table.slug);
  await shows(page, 0, 1, PHRASES[0]);
  await ask('Phrase', 'Encrypt values…');
  await dialog.getByRole('combobox', { name: 'What is shown instead' }).or(dialog.getByRole('textbox', { name: 'What is shown instead' })).first().click();
  await page.getByRole('option', { name: /^The last four/ }).click();
  await dialog.getByRole('checkbox', { name: /^Find by value/ }).check();
  await assertAccessible(page, 'what is asked for a column');
  await dialog.getByRole('checkbox', { name: /^Only try it/ }).check();
  await press('Try it');
  await dialog.getByText('1 would be encrypted').waitFor();
  await assertAccessible(page, 'what would be done to a column');
  assert.equal((await recordsOf(page, table.slug))[0].data.phrase, PHRASES[0]);
  await press('Now do it');
  await ends('All values of Phrase are encrypted.');
  await assertAccessible(page, 'what was done to a column');
  await press('Close');
  await shows(page, 0, 1, '••••4711');
  await dialog.waitFor({ state: 'detached' });
  await assertKeptNowhere(page, said, ...PHRASES);

  await page.goto(`${base}/t/${table.slug}/r/${table.id}`);
  await page.getByRole('tab', { name: 'History' }).click();
  const steps = page.locator('.step-changes');
  await steps.first().waitFor();
  const told = (await steps.allTextContents()).join(' ');
  assert.ok(told.includes('••••4711') && told.includes('••••0815') && !told.includes('canary'), told);
  await page.getByRole('tab', { name: 'Record' }).click();
  await page.getByRole('button', { name: 'Reveal Phrase' }).click();
  await page.waitForSelector(`text=${PHRASES[0]}`);

  await openTable(page, table.slug);
  await ask('Phrase', 'Make readable…');
  await assertAccessible(page, 'the question whether a column is to be readable');
  await press('Make readable');
  await ends('All values of Phrase are readable.');
  await press('Close');
  await shows(page, 0, 1, PHRASES[0]);
  await page.goto(`${base}/vault/jobs`);
  const jobs = page.locator(`.job:has-text("${table.slug}.phrase")`);
  await jobs.first().waitFor();
  assert.deepEqual(await jobs.evaluateAll((all) => all.map((one) => one.querySelector('strong').textContent)), ['Make a column readable', 'Encrypt a column', 'Encrypt a column']);
});

test('a job on a column goes on when its dialog is closed, and the masks show when it is over', async () => {
  const table = await readable();
  const rule = { column: 'phrase', operator: 'contains', value: 'canary' };
  const view = { filter: { operator: 'and', filters: [rule] }, sort: [{ column: 'phrase', direction: 'asc' }] };
  await openTable(page, `${table.slug}?${new URLSearchParams({ view: JSON.stringify(view) })}`);
  const one = /\/api\/jobs\/[^/]+$/;
  await page.route(one, async (route) => {
    const job = await (await route.fetch()).json();
    await route.fulfill({ json: { ...job, state: 'running', seen: 2, total: 5, done: 1, rate: 1, leftMs: 3000 } });
  });
  await ask('Phrase', 'Encrypt values…');
  await press('Encrypt');
  await dialog.getByText('2 of 5 steps').waitFor();
  await assertAccessible(page, 'how far a job on a column is');
  await press('Close, it goes on');
  await page.locator('.toast').getByRole('button', { name: 'Show the jobs' }).waitFor();
  await page.unroute(one);
  await page.locator('.toast', { hasText: 'All values of Phrase are encrypted.' }).waitFor();
  assert.equal(await page.locator('.toast', { hasText: 'The job runs.' }).count(), 0);
  await shows(page, 0, 1, '••••••••');
  assert.ok(!page.url().includes('phrase'), `the view asks nothing of the column any more: ${page.url()}`);
});

test('what cannot be encrypted is told where it is asked, and what is always encrypted cannot be made readable', async () => {
  const table = await readable();
  await openTable(page, table.slug);
  await ask('Note', 'Encrypt values…');
  await press('Encrypt');
  await dialog.getByRole('alert').getByText(/no default/).waitFor();
  await press('Cancel');
  await ask('Code', 'Encrypt values…');
  const index = dialog.getByRole('checkbox', { name: /^Find by value/ });
  assert.equal(await index.isChecked(), true, 'equal values of a unique column are found');
  await index.uncheck();
  await press('Encrypt');
  await dialog.getByText(/unique only if/).waitFor();
  assert.equal(await dialog.getByRole('alert').count(), 0, 'it stands at the box alone');
  assert.equal(await index.evaluate((one) => one === document.activeElement), true, 'and the box has the focus');
  await assertAccessible(page, 'a refusal at a field');
  await press('Cancel');
  const offered = async (column) => {
    await openMenu(column);
    const all = await page.getByRole('menuitem', { name: /^(Encrypt values|Change encryption|Make readable)…$/ }).allTextContents();
    await page.keyboard.press('Escape');
    return all;
  };
  assert.deepEqual(await offered('Pin'), ['Change encryption…']);
  assert.deepEqual(await offered('Name'), []);
});

test('nothing was wrong on the way', async () => {
  await assertClean(session);
});
