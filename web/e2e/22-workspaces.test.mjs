// Tables of another workspace: chosen, found, opened on every page, imported into, followed live, related, and seen by somebody who sees nothing else;
// and a search for what is merely alike.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, base, cell, launch, openTable, recordsOf, saved, shows, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
const stamp = `${process.pid}`;
const place = `Garden ${stamp}`;
const name = `Plants ${stamp}`;
const password = 'a password for gardeners';
const text = (label, slug = label.toLowerCase()) => ({ name: label, slug, fieldType: 'text' });

/** Requests that were refused: none is expected but where a test says so. */
const refused = [];
const watch = (on) => on.on('response', (one) => one.status() >= 400 && refused.push(`${one.status()} ${one.request().method()} ${new URL(one.url()).pathname}`));
watch(page);

const before = (await api(page, 'GET', '/api/workspaces')).workspaces;
await page.waitForSelector('main h1');
const switchers = await page.locator('.nav-place').count();
const garden = await api(page, 'POST', '/api/workspaces', { name: place });
const make = (body) => api(page, 'POST', '/api/tables', body);
const here = await make({ name, columns: [text('Name')] });
const plants = await make({ name, workspace: garden.id, columns: [{ ...text('Name'), isPrimary: true }, { name: 'Height', slug: 'height', fieldType: 'number' }] });
const beds = await make({
  name: `Beds ${stamp}`,
  workspace: garden.id,
  columns: [{ ...text('Bed'), isPrimary: true }, { name: 'Plant', slug: 'plant', fieldType: 'relation', config: { table: plants.slug } }, { name: 'Plan', slug: 'plan', fieldType: 'file' }],
});
await api(page, 'POST', `/api/tables/${here.slug}/records`, { data: { name: 'Not in the garden' } });
await api(page, 'POST', `/api/tables/${plants.id}/records/bulk`, { records: ['Rosemary', 'Lavender', 'Thyme', 'Élder', 'Marigold'].map((one, i) => ({ name: one, height: 10 * i })) });
await api(page, 'POST', `/api/tables/${beds.id}/records`, { data: { bed: 'North' } });

const shot = (file, on = page) => process.env.SHOTS && on.screenshot({ path: `${process.env.SHOTS}/places-${file}.png` });
const button = (label) => page.getByRole('button', { name: label, exact: true });
const nav = () => page.locator('nav.side .nav-tables .nav-item').allInnerTexts();
const inNav = (expected) => page.waitForFunction((wanted) => [...document.querySelectorAll('nav.side .nav-tables .nav-item')].map((one) => one.innerText.trim()).join() === wanted, expected.join());

async function bothSchemes(where, on = page) {
  for (const colorScheme of ['dark', 'light']) {
    await on.emulateMedia({ colorScheme });
    await on.waitForSelector(`html[data-mantine-color-scheme=${colorScheme}]`);
    await assertAccessible(on, `${where}, ${colorScheme}`);
    await shot(`${where.replaceAll(/\W+/g, '-')}-${colorScheme}`, on);
  }
}

test('with one workspace there is nothing to choose; with two, one is chosen by keyboard, and the browser remembers it', async () => {
  assert.equal(switchers, before.length > 1 ? 1 : 0);
  await page.goto(`${base}/`);
  await page.locator('.nav-place').focus();
  await page.keyboard.press('Enter');
  const item = page.getByRole('menuitemradio', { name: place });
  await item.waitFor();
  await bothSchemes('the choice');
  for (let i = 0; i <= before.length && !(await item.evaluate((one) => one === document.activeElement)); i++) {
    const was = await page.evaluateHandle(() => document.activeElement);
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction((old) => document.activeElement !== old, was);
  }
  await page.keyboard.press('Enter');
  await inNav([beds.name, name]);
  await page.waitForSelector(`h1:has-text("in ${place}")`);
  await page.waitForSelector(`.card:has-text("${name}"):has-text("5 records")`);
  await bothSchemes('tables of the other');
  await page.reload();
  await inNav([beds.name, name]);
  await page.goto(`${base}/t/${here.slug}`);
  await page.waitForSelector('.row:has-text("Not in the garden")');
  await page.waitForFunction((text) => document.querySelector('.nav-place')?.textContent === text, 'Default');
  assert.ok(!(await nav()).includes(beds.name));
});

test('the palette finds tables of all workspaces and says of which', async () => {
  await page.keyboard.press('Control+k');
  await page.fill('[role=combobox]', name);
  await page.waitForSelector(`[role=option]:has-text("${name}"):has-text("in Default")`);
  await page.waitForSelector(`[role=option]:has-text("${name}"):has-text("in ${place}")`);
  await bothSchemes('palette');
  await page.fill('[role=combobox]', `${place} plants`);
  await page.waitForFunction(() => document.querySelectorAll('[role=option]').length === 1);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/t/${plants.id}`);
  await shows(page, 0, 0, 'Rosemary');
  await inNav([beds.name, name]);
  await page.waitForSelector(`.nav-item[aria-current=page]:has-text("${name}")`);
});

test('every page of such a table opens, and nothing it asks for is refused', async () => {
  const [record] = await recordsOf(page, plants.id);
  const form = await api(page, 'POST', `/api/tables/${plants.id}/forms`, { name: 'A form', fields: [{ column: 'name' }] });
  refused.length = 0;
  const at = `/t/${plants.id}`;
  for (const part of [`/r/${record.id}`, '/columns', '/settings', '/import', '/duplicates', '/forms', `/forms/${form.id}`, '/trash']) {
    await page.goto(base + at + part);
    await page.waitForFunction(
      (wanted) => document.querySelector('main h1') && !document.querySelector('main .loading, .mantine-Loader-root') && document.querySelector('nav.side')?.textContent?.includes(wanted),
      beds.name,
    );
    assert.equal(await page.locator('main .problem').count(), 0, part);
    assert.equal(new URL(page.url()).pathname, at + part);
    const links = await page.locator('main a[href*="/t/"], header a[href*="/t/"]').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
    assert.deepEqual(links.filter((one) => !one.startsWith(at)), [], `${part}: links that lead to another table`);
  }
  assert.deepEqual(refused, []);
});

test('cells are edited, others are seen at once, a view is kept, and a file is exported', async () => {
  await openTable(page, plants.id);
  await page.waitForSelector('.connection[data-live]');
  await cell(page, 0, 1).click();
  await page.keyboard.type('55');
  await page.keyboard.press('Enter');
  await saved(page);
  const [first, second] = await recordsOf(page, plants.id);
  assert.equal(first.data.height, 55);
  // Told of live: nothing here reloads.
  await api(page, 'PATCH', `/api/tables/${plants.id}/records/${second.id}`, { data: { name: 'Sage' } });
  await shows(page, 1, 0, 'Sage');
  await page.click('.toolbar button:has-text("Views")');
  await page.fill('.views-panel input[type=text], .views-panel input:not([type=checkbox])', 'Tall');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.views-panel:has-text("Tall")');
  await page.keyboard.press('Escape');
  await page.click('.toolbar button[aria-label="Import, export and more"]');
  await page.click('[role=menuitem]:has-text("Export")');
  const download = page.waitForEvent('download');
  await page.click('[role=dialog] button[type=submit]');
  assert.equal((await download).suggestedFilename(), `${plants.slug}.csv`);
});

test('a relation names records of its own workspace, and a file is brought into it', async () => {
  await openTable(page, beds.id);
  await cell(page, 0, 1).click();
  await page.keyboard.press('Enter');
  await page.click('[role=option]:has-text("Thyme")');
  await page.keyboard.press('Escape');
  await saved(page);
  await page.waitForFunction(() => document.getElementById('cell-0-1')?.textContent?.includes('Thyme'));
  assert.equal((await recordsOf(page, beds.id, { includeDisplay: true }))[0].data._display.plant, 'Thyme');
  await cell(page, 0, 2).click();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.files-choose'));
  await page.setInputFiles('[role=dialog] input[type=file]', { name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('A bed and a path') });
  await page.waitForSelector('.files-list:not(.files-coming) li:has-text("plan.txt")');
  await page.waitForSelector('.files-coming', { state: 'detached' });
  await page.keyboard.press('Escape');
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  await shows(page, 0, 2, 'plan.txt');
  await page.getByRole('button', { name: 'Add column' }).first().click();
  const dialog = page.locator('[role=dialog]');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Neighbours');
  await dialog.getByRole('radio', { name: /^Relation/ }).click();
  await dialog.getByRole('textbox', { name: 'Table' }).or(dialog.getByRole('combobox', { name: 'Table' })).first().click();
  assert.deepEqual(await page.locator('[role=option]:visible').allInnerTexts(), [beds.name, name], 'tables of the others are none to name');
  await page.getByRole('option', { name: beds.name, exact: true }).click();
  await dialog.getByRole('button', { name: 'Add column' }).click();
  await page.waitForSelector('[role=columnheader]:has-text("Neighbours")');
});

test('a table is made there, and a record is deleted, shown in the trash and in the activity, and brought back', async () => {
  await page.goto(`${base}/new`);
  await page.waitForSelector(`h1:has-text("in ${place}")`);
  await page.getByPlaceholder('Customers').fill(`Tools ${stamp}`);
  await button('Create table').click();
  await page.waitForURL(/\/t\/[0-9a-f-]{36}$/);
  const { tables } = await api(page, 'GET', `/api/tables?workspace=${garden.id}`);
  assert.ok(tables.some((one) => one.name === `Tools ${stamp}`));
  const [record] = await recordsOf(page, plants.id);
  await api(page, 'DELETE', `/api/tables/${plants.id}/records/${record.id}`);
  await page.goto(`${base}/trash`);
  await page.waitForSelector('main tr:has-text("Rosemary")');
  await page.goto(`${base}/activity`);
  await page.waitForSelector(`h1:has-text("in ${place}")`);
  const line = page.locator('tr[data-operation]').first();
  await line.locator(`a[href="/t/${plants.id}"]`).waitFor();
  await bothSchemes('activity');
  await line.getByRole('button', { name: 'Undo' }).click();
  await page.click('[role=dialog] button:has-text("Undo")');
  await page.waitForSelector('.toast');
  assert.equal((await recordsOf(page, plants.id)).length, 5);
});

const bring = (file, rows) => page.setInputFiles('input[type=file]', { name: file, mimeType: 'text/csv', buffer: Buffer.from(rows) });
const chooseType = async (header, type) => {
  await page.click(`input[aria-label="Type of ${header}"]`);
  const said = page.waitForResponse((one) => one.request().method() === 'PATCH' && one.ok());
  await page.getByRole('option', { name: type, exact: true }).click();
  await said;
};
const columnsOf = async (table) => (await api(page, 'GET', `/api/tables/${table}?include=columns`)).columns.map((one) => `${one.slug} ${one.fieldType}`);

test('an import that is let go leaves no column, and one that is done makes it with the type that was chosen', async () => {
  for (const done of [false, true]) {
    await page.goto(`${base}/t/${plants.id}/import`);
    await bring('more.csv', 'Name,Price\nMint,1.5\nDill,2.5\n');
    await page.waitForURL(new RegExp(`/imports/[^?]+\\?workspace=${garden.id}&step=preview$`));
    await button('Next').click();
    await chooseType('Price', 'Currency');
    await button('Next').click();
    await page.waitForURL(/step=rules$/);
    await button('Check every row').click();
    await page.waitForSelector('text=Every row fits.');
    assert.deepEqual(await columnsOf(plants.id), ['name text', 'height number'], 'a check makes no column');
    if (!done) {
      await page.goto(`${base}/jobs`);
      await page.click('tr[data-import] button:has-text("Let the file go")');
      await page.waitForSelector('tr[data-import]', { state: 'detached' });
      assert.deepEqual(await columnsOf(plants.id), ['name text', 'height number'], 'nor does an import that does not happen');
      continue;
    }
    await page.reload();
    await button('Import 2 rows').click();
    await page.waitForSelector('text=Undo this import');
    assert.deepEqual(await columnsOf(plants.id), ['name text', 'height number', 'price currency']);
    await page.goto(`${base}/jobs`);
    await page.waitForSelector(`tr[data-import] a[href="/t/${plants.id}"]`);
    await bothSchemes('imports of the other');
  }
});

test('a column of the file goes elsewhere after all: nothing is said of it any more, and a new table is made there', async () => {
  await page.goto(`${base}/new?from=file`);
  await bring(`Seeds ${stamp}.csv`, 'Name,Code\nMint,007\nDill,008\n');
  await button('Next').click();
  await chooseType('Code', 'Number');
  await chooseType('Name', 'Long text');
  await page.click('input[aria-label="Where Name goes"]');
  const said = page.waitForResponse((one) => one.request().method() === 'PATCH');
  await page.getByRole('option', { name: 'Leave out', exact: true }).click();
  assert.equal((await said).status(), 200);
  assert.equal(await page.locator('main .problem').count(), 0);
  await button('Straight to the check').click();
  await button('Import 2 rows').click();
  await page.click(`main a:has-text("Open Seeds ${stamp}")`);
  await page.waitForURL(/\/t\/[0-9a-f-]{36}$/);
  await page.waitForSelector('.toolbar-count:has-text("2 records")');
  assert.deepEqual(await columnsOf(new URL(page.url()).pathname.split('/')[2]), ['code number']);
});

test('a column of such a table is encrypted, and the list of jobs says where', async () => {
  const safe = await make({ name: `Safe ${stamp}`, workspace: garden.id, columns: [{ ...text('Name'), isPrimary: true }, text('Code')] });
  await api(page, 'POST', `/api/tables/${safe.id}/records`, { data: { name: 'Ann', code: '12345678' } });
  await openTable(page, safe.id);
  await page.locator('[role=columnheader]:has-text("Code")').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Encrypt values…', exact: true }).click();
  await page.locator('[role=dialog]').getByRole('button', { name: 'Encrypt', exact: true }).click();
  await page.waitForSelector('[role=dialog] :text("All values of Code are encrypted.")');
  await page.locator('[role=dialog]').getByRole('button', { name: 'Close', exact: true }).last().click();
  await shows(page, 0, 1, '••••••••');
  await page.goto(`${base}/jobs`);
  await page.waitForSelector(`main :text("${place}: ${safe.slug}.code")`);
});

test('an exact search that finds nothing offers a similar one, which says that the most alike come first', async () => {
  await openTable(page, plants.id);
  await page.fill('.toolbar-search input', 'marygold');
  await page.waitForSelector('text=No record has these words exactly');
  await bothSchemes('nothing found');
  await button('Search for similar').focus();
  await page.keyboard.press('Enter');
  await shows(page, 0, 0, 'Marigold');
  await page.waitForSelector('.toolbar-count:has-text("1 record · most alike first")');
  assert.ok(await page.getByLabel('Also similar').isChecked());
  await bothSchemes('similar');
  await page.fill('.toolbar-search input', 'elder');
  await shows(page, 0, 0, 'Élder');
  await page.reload();
  await shows(page, 0, 0, 'Élder');
  await page.getByLabel('Also similar').focus();
  await page.keyboard.press('Space');
  await page.waitForSelector('text=No record has these words exactly');
  await button('Search for similar').click();
  await page.fill('.toolbar-search input', 'nothing of the kind');
  await page.waitForSelector('text=No record has words like these either');
  await button('Clear search and filter').click();
  await shows(page, 0, 0, 'Rosemary');
  assert.equal(await page.getByLabel('Also similar').count(), 0);
});

test('what is exported of a similar search is what it shows', async () => {
  await page.fill('.toolbar-search input', 'marygold');
  await button('Search for similar').click();
  await shows(page, 0, 0, 'Marigold');
  await page.click('.toolbar button[aria-label="Import, export and more"]');
  await page.click('[role=menuitem]:has-text("Export")');
  await page.waitForSelector('[role=dialog] label:has-text("similar ones too")');
  const download = page.waitForEvent('download');
  await page.click('[role=dialog] button[type=submit]');
  const file = await (await download).createReadStream();
  const lines = Buffer.concat(await file.toArray()).toString().trimEnd().split(/\r?\n/);
  assert.equal(lines.length, 2);
  assert.match(lines[1], /^Marigold,/);
});

test('what is exported stands in the order that is shown: the most alike first, or as it is sorted', async () => {
  const exported = async (view, first) => {
    await page.goto(`${base}/t/${plants.id}?view=${encodeURIComponent(JSON.stringify(view))}`);
    await shows(page, 0, 0, first);
    const asked = page.waitForRequest(/\/export\//);
    const download = page.waitForEvent('download');
    await page.click('.toolbar button[aria-label="Import, export and more"]');
    await page.click('[role=menuitem]:has-text("Export")');
    await page.click('[role=dialog] button[type=submit]');
    const file = await (await download).createReadStream();
    const lines = Buffer.concat(await file.toArray()).toString().trimEnd().split(/\r?\n/).slice(1);
    assert.equal(new URL((await asked).url()).searchParams.get('filter'), null, 'it is asked for as it is shown');
    return lines.map((line) => line.split(',')[0]);
  };
  await api(page, 'POST', `/api/tables/${plants.id}/records/bulk`, { records: ['Thymus', 'Tyhme', 'Thymelaea'].map((one) => ({ name: one })) });
  assert.deepEqual(await exported({ search: 'thyme', alike: true }, 'Thyme'), ['Thyme', 'Thymelaea', 'Tyhme']);
  assert.deepEqual(await exported({ search: 'thyme', alike: true, sort: [{ column: 'name', direction: 'desc' }] }, 'Tyhme'), ['Tyhme', 'Thymelaea', 'Thyme']);
});

test('somebody who sees one workspace only just sees its tables, as far as the server says', async () => {
  const people = [
    ['reads', [{ table: plants.id, scope: 'read' }], [name], false],
    ['gardens', [{ workspace: garden.id, scope: 'write' }], null, true],
  ];
  for (const [who, grants, tables, makes] of people) {
    const email = `${who}-${stamp}@example.com`;
    await api(page, 'POST', '/api/users', { email, name: who, password, role: 'guest', grants });
    const outside = await launch();
    try {
      const on = outside.page;
      watch(on);
      refused.length = 0;
      await on.goto(`${base}/`);
      await on.fill('input[name=email]', email);
      await on.fill('input[name=password]', password);
      await on.click('button[type=submit]');
      await on.waitForSelector(`nav.side .nav-tables .nav-item:has-text("${name}")`);
      if (tables) assert.deepEqual(await on.locator('nav.side .nav-tables .nav-item').allInnerTexts(), tables);
      assert.equal(await on.locator('.nav-place').count(), 0, 'there is nothing to choose');
      assert.equal((await on.locator('nav.side a[href="/new"]').count()) > 0, makes);
      await on.click(`.card:has-text("${name}") a`);
      await on.waitForURL(`**/t/${plants.id}`);
      await on.waitForSelector('.row:has-text("Rosemary")');
      assert.equal((await on.locator('.toolbar-new').count()) > 0, makes);
      if (!makes) await on.waitForSelector(`.notice:has-text("You may read ${name}")`);
      await assertAccessible(on, who);
      await shot(who, on);
      if (makes) {
        await on.goto(`${base}/new`);
        await on.getByPlaceholder('Customers').fill(`Made by ${who} ${stamp}`);
        await on.getByRole('button', { name: 'Create table', exact: true }).click();
        await on.waitForURL(/\/t\/[0-9a-f-]{36}$/);
      }
      assert.deepEqual(refused.filter((one) => !one.startsWith('401')), []);
      await assertClean(outside);
    } finally {
      await outside.browser.close();
    }
  }
});

test('nothing of all this left an error or broke the content policy', async () => {
  await page.goto(`${base}/`);
  await page.waitForSelector('.card');
  await assertClean(session);
  await api(page, 'DELETE', `/api/workspaces/${garden.id}`);
  await page.reload();
  await inNav((await api(page, 'GET', '/api/tables?limit=1000')).tables.map((one) => one.name));
});
