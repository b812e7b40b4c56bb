// History of a record, a version that comes back, and the activity page with its undo.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, base, makeTable, openTable, recordsOf, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;

test('the drawer tells the history and brings a version back', async () => {
  const table = await makeTable(page, 2);
  const [record] = await recordsOf(page, table.slug);
  const path = `/api/tables/${table.slug}/records/${record.id}`;
  await api(page, 'PATCH', path, { data: { name: 'Second name', amount: 77 } });
  await api(page, 'PATCH', path, { data: { name: 'Third name' } });
  await page.goto(`${base}/t/${table.slug}/r/${record.id}`);
  await page.waitForSelector('#field-name');
  await page.click('[role=tab]:has-text("History")');
  await page.waitForSelector('.step');
  assert.equal(await page.locator('.step').count(), 3);
  const second = await page.locator('.step').nth(1).textContent();
  assert.match(second, /Changed by you/);
  assert.match(second, /Name.*Row 0001.*Second name/);
  assert.match(second, /Amount.*0.*77/);
  await assertAccessible(page, 'the history of a record');
  await page.click('button:has-text("Restore version 2")');
  await page.waitForSelector('.step:has-text("version 4")');
  assert.equal((await recordsOf(page, table.slug))[0].data.name, 'Second name');
  await page.click('[role=tab]:has-text("Record")');
  assert.equal(await page.inputValue('#field-name'), 'Second name');
  await assertClean(session);
});

test('before an undo removes what other records name, it is said, and doing it again brings both back', async () => {
  const clients = await makeTable(page, 0);
  const client = await api(page, 'POST', `/api/tables/${clients.slug}/records`, { data: { name: 'Client' } });
  const projects = await api(page, 'POST', '/api/tables', {
    name: `Projects ${process.pid} ${Date.now()}`,
    columns: [
      { name: 'Title', slug: 'title', fieldType: 'text', isPrimary: true },
      { name: 'Client', slug: 'client', fieldType: 'relation', config: { table: clients.slug, relationType: 'manyToOne', onDelete: 'setNull' } },
    ],
  });
  await api(page, 'POST', `/api/tables/${projects.slug}/records`, { data: { title: 'Project', client: client.id } });
  const named = async () => (await recordsOf(page, projects.slug)).map((record) => record.data.client);
  const row = () => page.locator('tr', { hasText: `${clients.name}: 1 created` }).first();
  await page.goto(`${base}/activity`);
  await row().locator('button:has-text("Undo")').click();
  await page.waitForSelector('[role=dialog] :text("1 record will be as before.")');
  await page.waitForSelector('[role=dialog] :text("1 other record named what is removed by this")');
  await assertAccessible(page, 'an undo that others follow');
  assert.deepEqual(await named(), [client.id], 'nothing is done yet');
  await page.click('[role=dialog] button:has-text("Undo")');
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  await row().locator('text=taken back').waitFor();
  assert.deepEqual(await named(), [null]);
  await page.locator('tr', { hasText: `${clients.name}: 1 deleted for good` }).first().locator('button:has-text("Do again")').click();
  await page.click('[role=dialog] button:has-text("Do again")');
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  assert.equal((await recordsOf(page, clients.slug)).length, 1);
  assert.deepEqual(await named(), [client.id]);
  await assertClean(session);
});

test('the activity page shows what an undo would do, does it, and does it again', async () => {
  const table = await makeTable(page, 4);
  const records = await recordsOf(page, table.slug);
  const updates = records.map((record) => ({ recordId: record.id, data: { name: 'Bulk' } }));
  await api(page, 'PATCH', `/api/tables/${table.slug}/records/bulk`, { updates });
  await api(page, 'PATCH', `/api/tables/${table.slug}/records/${records[0].id}`, { data: { name: 'Mine' } });
  await page.goto(`${base}/`);
  await page.click('nav a:has-text("Activity")');
  await page.waitForSelector('.activity tbody tr');
  const bulk = page.locator('tr', { hasText: `${table.name}: 4 changed` });
  assert.match(await bulk.first().textContent(), /you/);
  await assertAccessible(page, 'the activity page');
  await bulk.first().locator('button:has-text("Undo")').click();
  await page.waitForSelector('[role=dialog] :text("3 records will be as before")');
  assert.match(await page.textContent('[role=dialog]'), /name.*changed since \(you\)/);
  const name = async (record) => (await api(page, 'GET', `/api/tables/${table.slug}/records/${record.id}`)).data.name;
  assert.equal(await name(records[1]), 'Bulk', 'looking changes nothing');
  await page.click('[role=dialog] button:has-text("Undo")');
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  assert.deepEqual([await name(records[0]), await name(records[1])], ['Mine', 'Row 0002']);
  await page.waitForSelector('tr:has-text("taken back")');
  await page.locator('button:has-text("Do again")').first().click();
  await page.click('[role=dialog] button:has-text("Do again")');
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  assert.equal(await name(records[1]), 'Bulk');
  await openTable(page, table.slug);
  await assertClean(session);
});
