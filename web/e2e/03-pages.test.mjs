// New table from a file, record form, columns, trash, API keys, offline.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertClean, base, cell, makeTable, openTable, recordsOf, saved, scriptBytes, shows, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;

const file = (name, content) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(content) });
const stamp = `${Date.now() % 1_000_000}`;

test('a CSV file becomes a table and leading zeros stay', async () => {
  await page.goto(`${base}/new?from=file`);
  const rows = ['zip,city,lat', '00501,Holtsville,40.922326', '00544,Holtsville,40.922326', '01001,Agawam,42.06'];
  await page.setInputFiles('input[type=file]', file(`zips ${stamp}.csv`, `${rows.join('\n')}\n`));
  await page.click('button:has-text("Straight to the check")');
  await page.click('button:has-text("Import 3 rows")');
  await page.click('main a:has-text("Open Zips")');
  await page.waitForSelector('.grid');
  await shows(page, 0, 0, '00501');
  await page.waitForSelector('.toolbar-count:has-text("3 records")');
});

test('whoever opens a table for the first time waits for at most 320 kB of compressed scripts', async () => {
  const { slug } = await makeTable(page, 5);
  const bytes = await scriptBytes(page, async () => {
    await page.goto(`${base}/t/${slug}`);
    await shows(page, 0, 0, 'Row 0001');
  });
  assert.ok(bytes > 100_000 && bytes <= 320_000, `${bytes} bytes of scripts`);
  console.log(`first load: ${bytes} bytes of scripts`);
});

test('a file with another encoding and delimiter is read, and the types can be chosen', async () => {
  await page.goto(`${base}/new?from=file`);
  const content = Buffer.concat([Buffer.from('Name;Ort\nJ'), Buffer.from([0xfc]), Buffer.from('rgen;K'), Buffer.from([0xf6]), Buffer.from('ln\nGr'), Buffer.from([0xe9]), Buffer.from('goire;Orl'), Buffer.from([0xe9]), Buffer.from('ans\n')]);
  await page.setInputFiles('input[type=file]', { name: `leute ${stamp}.csv`, mimeType: 'text/csv', buffer: content });
  await page.waitForSelector('text=Orl\u00e9ans');
  await page.getByRole('button', { name: 'Next', exact: true }).click();
  await page.click('input[aria-label="Type of Ort"]');
  await page.click('[role=option]:visible:has-text("Long text")');
  await page.click('button:has-text("Straight to the check")');
  await page.click('button:has-text("Import 2 rows")');
  await page.click('main a:has-text("Open Leute")');
  await page.waitForSelector('.grid');
  await shows(page, 0, 0, 'J\u00fcrgen');
  await shows(page, 1, 1, 'Orl\u00e9ans');
});

test('a blank table starts with its columns', async () => {
  await page.goto(`${base}/new`);
  await page.fill('input[placeholder="Customers"]', `Blank ${stamp}`);
  await page.fill('input[aria-label="Name of column 2"]', 'Amount');
  await page.click('input[aria-label="Type of column 2"]');
  await page.click('[role=option]:visible:has-text("Number")');
  await page.click('button:has-text("Create table")');
  await page.waitForSelector('text=No records yet');
});

test('the record form marks what is wrong, saves with Ctrl+Enter and guards what was typed', async () => {
  const table = await makeTable(page, 3);
  await openTable(page, table.slug);
  await page.click('.toolbar button:has-text("Record")');
  await page.waitForSelector('#field-name');
  await page.fill('#field-mail', 'nonsense');
  await page.click('button[type=submit]:has-text("Save")');
  await page.waitForSelector('.record-form [role=alert]');
  await page.fill('#field-name', 'From the form');
  await page.fill('#field-mail', 'form@example.com');
  await page.fill('#field-amount', '42');
  await page.keyboard.press('Control+Enter');
  await page.waitForSelector('.toolbar-count:has-text("4 records")');
  assert.ok((await recordsOf(page, table.slug)).some((one) => one.data.name === 'From the form' && Number(one.data.amount) === 42));

  await cell(page, 0, 0).click();
  await page.keyboard.press('Space');
  await page.waitForSelector('.facts');
  await page.fill('#field-notes', 'unsaved words');
  await page.keyboard.press('Escape');
  await page.waitForSelector('text=Leave without saving?');
  await page.click('button:has-text("Keep editing")');
  assert.equal(await page.inputValue('#field-notes'), 'unsaved words');
  await page.focus('#field-notes');
  await page.keyboard.press('Control+Enter');
  await page.waitForSelector('.record-form', { state: 'detached' });
  await shows(page, 0, 6, 'unsaved words');
});

test('a record has an address, goes to the trash and comes back', async () => {
  const table = await makeTable(page, 3);
  const [first] = await recordsOf(page, table.slug);
  const address = `${base}/t/${table.slug}/r/${first.id}`;
  await page.goto(address);
  await page.waitForSelector('#field-name');
  await page.click('button[aria-label="More about this record"]');
  await page.click('[role=menuitem]:has-text("Delete")');
  await page.waitForSelector('.toolbar-count:has-text("2 records")');
  await page.goto(address);
  await page.waitForSelector('text=This record is in the trash');
  await page.goto(`${base}/t/${table.slug}/trash`);
  await page.waitForSelector('td:has-text("Row 0001")');
  await page.check('tbody input[type=checkbox]');
  await page.click('button:has-text("Restore")');
  await page.waitForSelector('text=is in the trash');
  assert.equal((await recordsOf(page, table.slug)).length, 3);
});

test('columns are added, edited, ordered by keyboard and deleted', async () => {
  const table = await makeTable(page, 2);
  await page.goto(`${base}/t/${table.slug}/columns`);
  await page.click('button:has-text("Add column")');
  await page.fill('.mantine-Modal-body input[type=text], .mantine-Modal-body input:not([type])', 'Priority');
  await page.click('.type:has(strong:text-is("Single select"))');
  await page.click('.options button:has-text("Option")');
  await page.fill('input[aria-label="Name of option 1"]', 'High');
  await page.press('input[aria-label="Name of option 1"]', 'Enter');
  await page.fill('input[aria-label="Name of option 2"]', 'Low');
  await page.click('.mantine-Modal-body button[type=submit]');
  await page.waitForSelector('.column-list li:has-text("Priority")');
  const read = async () => (await api(page, 'GET', `/api/tables/${table.slug}?include=columns`)).columns.sort((a, b) => a.orderIndex - b.orderIndex);
  let column = (await read()).find((one) => one.name === 'Priority');
  assert.deepEqual(column.options.map((one) => one.name), ['High', 'Low']);

  await page.click('button[aria-label="Edit Priority"]');
  await page.fill('input[aria-label="Name of option 2"]', 'Later');
  await page.click('button[aria-label="Move Later up"]');
  await page.click('.mantine-Modal-body button[type=submit]');
  for (let i = 0; i < 20; i++) {
    column = (await read()).find((one) => one.name === 'Priority');
    column.options.sort((a, b) => a.orderIndex - b.orderIndex);
    if (column.options[0].name === 'Later') break;
    await page.waitForTimeout(100);
  }
  assert.deepEqual(column.options.map((one) => one.name), ['Later', 'High']);
  await page.waitForSelector('.mantine-Modal-body', { state: 'detached' });

  await page.focus('button[aria-label="Move Priority up"]');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('.column-list li')[6]?.textContent?.includes('Priority'));
  await page.waitForTimeout(400);
  assert.equal((await read())[6].name, 'Priority');

  const remove = async () => {
    await page.click('button[aria-label="Delete Priority"]');
    await page.click('.mantine-Modal-body button:has-text("Delete column")');
    await page.waitForSelector('.deleted-columns li:has-text("Priority")');
    assert.ok(!(await read()).some((one) => one.name === 'Priority'));
  };
  await remove();
  await page.click('.toast:has-text("Priority was deleted.") button:has-text("Undo")');
  await page.waitForSelector('.toast:has-text("Priority is back.")');
  await page.waitForSelector('.deleted-columns li:has-text("Priority")', { state: 'detached' });
  assert.ok((await read()).some((one) => one.name === 'Priority'));
  await remove();
  await page.focus('button[aria-label="Restore Priority"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.deleted-columns li:has-text("Priority")', { state: 'detached' });
  await page.waitForFunction(() => ['H1', 'H2', 'MAIN'].includes(document.activeElement?.tagName));
  await remove();
});

test('an API key is shown once and can be revoked', async () => {
  await page.goto(`${base}/keys`);
  await page.click('button:has-text("Create API key")');
  await page.fill('.mantine-Modal-body input', `nightly ${stamp}`);
  await page.click('.mantine-Modal-body button[type=submit]');
  const secret = (await page.textContent('.secret')).trim();
  assert.ok(secret.length > 20);
  // No stray key loses it.
  await page.keyboard.press('Escape');
  await page.click('button:has-text("I have saved it")');
  assert.equal((await page.textContent('main')).includes(secret), false);
  await page.click(`button[aria-label="Revoke nightly ${stamp}"]`);
  await page.click('.mantine-Modal-body button:has-text("Revoke")');
  await page.waitForSelector(`td:has-text("nightly ${stamp}")`, { state: 'detached' });
});

test('the export hands over a file', async () => {
  const table = await makeTable(page, 5);
  await openTable(page, table.slug);
  await page.click('button[aria-label="Import, export and more"]');
  await page.click('[role=menuitem]:has-text("Export")');
  const download = page.waitForEvent('download');
  await page.click('.mantine-Modal-body button:has-text("Export")');
  assert.equal((await download).suggestedFilename(), `${table.slug}.csv`);
});

test('offline is said, and the page recovers by itself', async () => {
  const table = await makeTable(page, 5);
  await openTable(page, table.slug);
  await session.context.setOffline(true);
  await page.waitForSelector('.connection[data-reach="offline"]');
  await page.waitForSelector('.notice');
  await cell(page, 0, 0).click();
  await page.keyboard.type('Lost');
  await shows(page, 0, 0, 'Row 0001');
  await session.context.setOffline(false);
  await page.waitForSelector('.connection[data-reach="online"]', { timeout: 10_000 });
  await cell(page, 0, 0).click();
  await page.keyboard.type('Back');
  await page.keyboard.press('Enter');
  await shows(page, 0, 0, 'Back');
  await saved(page);
  assert.equal((await recordsOf(page, table.slug))[0].data.name, 'Back');
  session.faults.splice(0, Infinity, ...session.faults.filter((one) => !one.includes('ERR_INTERNET_DISCONNECTED')));
});

test('the theme can be chosen and stays', async () => {
  await page.goto(`${base}/`);
  await page.click('button[aria-label="Colour theme"]');
  await page.click('[role=menuitem]:has-text("Dark")');
  await page.reload();
  assert.equal(await page.getAttribute('html', 'data-mantine-color-scheme'), 'dark');
  await page.click('button[aria-label="Colour theme"]');
  await page.click('[role=menuitem]:has-text("Like the system")');
});

test('nothing of all this left an error or broke the content policy', async () => {
  await assertClean(session);
});
