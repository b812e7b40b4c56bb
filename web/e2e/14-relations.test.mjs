// Relations: made in the column editor, filled by typing a name, shown by name on both sides, and never by what the store would refuse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, base, cell, openTable, recordsOf, saved, shows, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
const stamp = Date.now() % 1_000_000;
const clients = await table(`Clients ${stamp}`, [
  { name: 'Name', fieldType: 'text', isPrimary: true },
  { name: 'City', fieldType: 'text' },
], [{ name: 'Acme Corp', city: 'Brno' }, { name: 'Acme, Sons', city: 'Oslo' }, { name: 'Other', city: 'Wien' }]);
const projects = await table(`Projects ${stamp}`, [{ name: 'Title', fieldType: 'text', isPrimary: true }, { name: 'Budget', fieldType: 'currency' }], [
  { title: 'Alpha', budget: 10 },
  { title: 'Beta', budget: 2.5 },
]);

async function table(name, columns, records) {
  const made = await api(page, 'POST', '/api/tables', { name, columns });
  await api(page, 'POST', `/api/tables/${made.slug}/records/bulk`, { records });
  return made;
}

async function choose(scope, label, option) {
  await scope.getByRole('textbox', { name: label }).or(scope.getByRole('combobox', { name: label })).first().click();
  await page.getByRole('option', { name: option, exact: true }).click();
}

test('a relation, a lookup and the other side are made in the column editor', async () => {
  await openTable(page, projects.slug);
  const add = async (name, type, settings) => {
    await page.getByRole('button', { name: 'Add column' }).first().click();
    const dialog = page.locator('[role=dialog]');
    await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
    await dialog.getByRole('radio', { name: new RegExp(`^${type}`) }).click();
    for (const [label, option] of settings) await choose(dialog, label, option);
    await assertAccessible(page, `a ${type} column`);
    await dialog.getByRole('button', { name: 'Add column' }).click();
    await page.waitForSelector(`[role=columnheader]:has-text("${name}")`);
  };
  await add('Client', 'Relation', [['Table', clients.name]]);
  await add('Town', 'Lookup', [['Relation', 'Client'], ['Column', 'City']]);
  await openTable(page, clients.slug);
  await add('Projects', 'Relation', [['Table', projects.name], ['Kind', 'oneToMany'], ['Other side of', 'Client']]);
  await add('Total', 'Rollup', [['Relation', 'Projects'], ['Function', 'sum'], ['Column', 'Budget']]);
});

test('a name is typed, and stands on both sides', async () => {
  await openTable(page, projects.slug);
  await cell(page, 0, 2).click();
  await page.keyboard.type('acme c', { delay: 20 });
  await page.waitForSelector('.editor-list [role=option]:has-text("Acme Corp")');
  await page.waitForFunction(() => document.querySelectorAll('.editor-list [role=option]').length === 1);
  await assertAccessible(page, 'choosing a record');
  await page.keyboard.press('Enter');
  await saved(page);
  await shows(page, 0, 2, 'Acme Corp');
  await shows(page, 0, 3, 'Brno');
  const [acme] = await recordsOf(page, clients.slug, { filter: { column: 'name', operator: 'eq', value: 'Acme Corp' } });
  const [alpha] = await recordsOf(page, projects.slug, { filter: { column: 'title', operator: 'eq', value: 'Alpha' } });
  assert.equal(alpha.data.client, acme.id);
  await openTable(page, clients.slug);
  await shows(page, 0, 2, 'Alpha');
  await shows(page, 0, 3, '$10.00');
});

test('in the form a record is chosen by name, and the filter offers names too', async () => {
  const [beta] = await recordsOf(page, projects.slug, { filter: { column: 'title', operator: 'eq', value: 'Beta' } });
  await page.goto(`${base}/t/${projects.slug}/r/${beta.id}`);
  const form = page.locator('[role=dialog]');
  await form.getByRole('textbox', { name: 'Client' }).or(form.getByRole('combobox', { name: 'Client' })).first().fill('sons');
  await page.getByRole('option', { name: 'Acme, Sons' }).click();
  await assertAccessible(page, 'the form with a relation');
  await page.keyboard.press('Control+Enter');
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  await openTable(page, projects.slug);
  await shows(page, 1, 2, 'Acme, Sons');
  await page.click('button:has-text("Filter")');
  await page.click('button:has-text("Condition")');
  const fields = page.getByRole('textbox', { name: 'Field' }).or(page.getByRole('combobox', { name: 'Field' })).first();
  await fields.click();
  assert.equal(await page.getByRole('option', { name: 'Town', exact: true }).count(), 0, 'nothing is found by a lookup');
  await page.getByRole('option', { name: 'Client', exact: true }).click();
  await choose(page, 'Value for Client', 'Acme, Sons');
  await page.waitForSelector('.toolbar-count:has-text("1 record")');
  await assertAccessible(page, 'a filter over a relation');
  await assertClean(session);
});
