// The grid: moving, editing, refusing, undoing, copying, pasting, filling, filtering, sorting, searching, deleting.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, base, cell, makeTable, openTable, recordsOf, saved, shows, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;

async function fresh(rows) {
  const table = await makeTable(page, rows);
  await openTable(page, table.slug);
  return table.slug;
}

test('typing over a cell keeps the first keystroke and Enter moves down', async () => {
  const slug = await fresh(30);
  await cell(page, 0, 0).click();
  await page.keyboard.type('Hello', { delay: 20 });
  await page.keyboard.press('Enter');
  await shows(page, 0, 0, 'Hello');
  await saved(page);
  assert.equal((await recordsOf(page, slug))[0].data.name, 'Hello');
  assert.equal(await page.getAttribute('.grid', 'aria-activedescendant'), 'cell-1-0');
});

test('numbers, checkboxes, options, dates and long text are edited in place by keyboard', async () => {
  const slug = await fresh(30);
  await cell(page, 0, 1).click();
  await page.keyboard.type('12.5');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.keyboard.type('clo');
  await page.keyboard.press('Enter');
  await shows(page, 0, 3, 'Closed');
  await cell(page, 0, 4).click();
  await page.keyboard.type('2027-12-31');
  await page.keyboard.press('Enter');
  await cell(page, 0, 6).click();
  await page.keyboard.press('F2');
  await page.keyboard.type('one');
  await page.keyboard.press('Alt+Enter');
  await page.keyboard.type('two');
  await page.keyboard.press('Enter');
  await saved(page);
  const data = (await recordsOf(page, slug))[0].data;
  assert.equal(Number(data.amount), 12.5);
  assert.equal(data.done, false);
  assert.equal(data.due, '2027-12-31');
  assert.equal(data.notes, 'one\ntwo');
  assert.ok(data.stage);
});

test('a refused value stays in the cell with its reason and can be put right', async () => {
  const slug = await fresh(10);
  await cell(page, 0, 5).click();
  await page.keyboard.type('nonsense');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#cell-0-5[data-state="error"]');
  assert.equal(await cell(page, 0, 5).textContent(), 'nonsense');
  assert.ok(await cell(page, 0, 5).getAttribute('title'));
  await page.waitForSelector('.toast:has-text("Mail was not saved")');
  await cell(page, 0, 5).click();
  await page.waitForSelector('.cell-why');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('a@example.com');
  await page.keyboard.press('Enter');
  await saved(page);
  assert.equal((await recordsOf(page, slug))[0].data.mail, 'a@example.com');
});

test('undo and redo take an edit back and forth', async () => {
  const slug = await fresh(10);
  await cell(page, 0, 0).click();
  await page.keyboard.type('Changed');
  await page.keyboard.press('Enter');
  await saved(page);
  await page.keyboard.press('Control+z');
  await shows(page, 0, 0, 'Row 0001');
  await page.keyboard.press('Control+y');
  await shows(page, 0, 0, 'Changed');
  await saved(page);
  assert.equal((await recordsOf(page, slug))[0].data.name, 'Changed');
});

test('an edit over somebody else’s change asks, and keeping mine wins', async () => {
  const slug = await fresh(5);
  const [first] = await recordsOf(page, slug);
  await cell(page, 0, 0).click();
  await page.keyboard.type('Mi');
  await api(page, 'PATCH', `/api/tables/${slug}/records/${first.id}`, { data: { name: 'Theirs' } });
  // The change of somebody else does not take away what is being typed.
  await page.waitForTimeout(200);
  await page.keyboard.type('ne');
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=Changed by somebody else');
  await page.waitForSelector('text=Theirs');
  await page.click('text=Keep mine');
  await shows(page, 0, 0, 'Mine');
  await saved(page);
  assert.equal((await recordsOf(page, slug))[0].data.name, 'Mine');
});

test('a block is copied and pasted as a spreadsheet does', async () => {
  const slug = await fresh(20);
  await cell(page, 0, 0).click();
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Control+c');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'Row 0001\t0\nRow 0002\t1');
  await page.evaluate(() => navigator.clipboard.writeText('A\t7\n"B\nmore"\t8'));
  await cell(page, 4, 0).click();
  await page.keyboard.press('Control+v');
  await shows(page, 4, 0, 'A');
  await saved(page);
  const rows = await recordsOf(page, slug);
  assert.deepEqual([rows[4].data.name, Number(rows[4].data.amount), rows[5].data.name, Number(rows[5].data.amount)], ['A', 7, 'B\nmore', 8]);
  await page.keyboard.press('Control+z');
  await shows(page, 4, 0, 'Row 0005');
});

test('a paste with bad cells changes nothing until asked, then keeps the good ones', async () => {
  const slug = await fresh(20);
  await page.evaluate(() => navigator.clipboard.writeText('11\tyes\nabc\tno\n13\tmaybe'));
  await cell(page, 0, 1).click();
  await page.keyboard.press('Control+v');
  await page.waitForSelector('text=not everything fits');
  assert.equal(Number((await recordsOf(page, slug))[0].data.amount), 0);
  await page.click('button:has-text("Keep the")');
  await shows(page, 0, 1, '11');
  await saved(page);
  assert.equal(Number((await recordsOf(page, slug))[0].data.amount), 11);
  await page.keyboard.press('Escape');
  await page.waitForTimeout(200);
});

test('a paste the server refuses in part changes nothing until asked, and says why', async () => {
  const slug = await fresh(20);
  await page.evaluate(() => navigator.clipboard.writeText('one@example.com\nnonsense\nthree@example.com'));
  await cell(page, 0, 5).click();
  await page.keyboard.press('Control+v');
  await page.waitForSelector('.mantine-Modal-body td:has-text("nonsense")');
  assert.equal((await recordsOf(page, slug))[0].data.mail ?? null, null);
  await page.click('button:has-text("Keep the 2 good values")');
  await shows(page, 2, 5, 'three@example.com');
  await saved(page);
  assert.deepEqual((await recordsOf(page, slug)).slice(0, 3).map((record) => record.data.mail ?? null), ['one@example.com', null, 'three@example.com']);
});

test('a paste past the end offers to add records', async () => {
  const slug = await fresh(3);
  await page.evaluate(() => navigator.clipboard.writeText('X\nY\nZ'));
  await cell(page, 2, 0).click();
  await page.keyboard.press('Control+v');
  await page.click('button:has-text("Add 2 records")');
  await page.waitForSelector('text=5 records');
  const names = (await recordsOf(page, slug)).map((record) => record.data.name);
  assert.deepEqual([...names].sort(), ['Row 0001', 'Row 0002', 'X', 'Y', 'Z']);
});

test('fill down repeats the first value of the range', async () => {
  const slug = await fresh(10);
  await cell(page, 2, 1).click();
  await cell(page, 5, 1).click({ modifiers: ['Shift'] });
  await page.keyboard.press('Control+d');
  await shows(page, 5, 1, '2');
  await saved(page);
  assert.deepEqual((await recordsOf(page, slug)).slice(2, 6).map((r) => Number(r.data.amount)), [2, 2, 2, 2]);
});

test('Delete clears a range', async () => {
  const slug = await fresh(10);
  await cell(page, 0, 4).click();
  await cell(page, 1, 4).click({ modifiers: ['Shift'] });
  await page.keyboard.press('Delete');
  await shows(page, 1, 4, '');
  await saved(page);
  assert.equal((await recordsOf(page, slug))[1].data.due ?? null, null);
});

test('filter, sort and search narrow and order, and the address keeps them', async () => {
  const slug = await fresh(60);
  await page.click('button:has-text("Filter")');
  await page.click('button:has-text("Condition")');
  await page.fill('input[aria-label="Value for Name"]', '005');
  await page.waitForSelector('.toolbar-count:has-text("11 records")');
  await page.keyboard.press('Escape');
  await page.click('.toolbar button:has-text("Sort")');
  await page.click('.sort-panel button:has-text("Sort key")');
  await page.click('.sort-panel label:has-text("Descending")');
  await shows(page, 0, 0, 'Row 0059');
  await page.keyboard.press('Escape');
  await page.reload();
  await shows(page, 0, 0, 'Row 0059');
  await page.waitForSelector('.toolbar-count:has-text("11 records")');
  await page.goto(`${base}/t/${slug}`);
  await page.waitForSelector('.toolbar-count:has-text("60 records")');
  await page.fill('.toolbar-search input', '0042');
  await page.waitForSelector('.toolbar-count:has-text("1 record")');
  await page.fill('.toolbar-search input', 'nothing like this');
  await page.waitForSelector('text=No record matches');
  await page.click('text=Clear search and filter');
  await page.waitForSelector('.toolbar-count:has-text("60 records")');
});

test('ticked records are deleted and brought back', async () => {
  await fresh(12);
  await cell(page, 1, 0).click();
  await page.keyboard.press('Shift+Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Shift+Space');
  await page.waitForSelector('.bulk:has-text("2 selected")');
  const download = page.waitForEvent('download');
  await page.click('.bulk button:has-text("Export")');
  await page.click('[role=dialog] button:has-text("Export")');
  const csv = await readFile(await (await download).path(), 'utf8');
  assert.deepEqual(csv.trim().split('\r\n').slice(1).map((line) => line.split(',')[0]).sort(), ['Row 0002', 'Row 0003']);
  await page.click('.bulk button:has-text("Delete")');
  await page.waitForSelector('.toolbar-count:has-text("10 records")');
  await page.click('.toast button:has-text("Undo")');
  await page.waitForSelector('.toolbar-count:has-text("12 records")');
});

test('records that others refer to are not deleted: each is named with its reason, and the others can be', async () => {
  const slug = await fresh(4);
  const [first, ...others] = await recordsOf(page, slug);
  const name = `Notes on ${slug}`;
  const notes = await api(page, 'POST', '/api/tables', {
    name,
    columns: [{ name: 'About', slug: 'about', fieldType: 'relation', config: { table: slug, relationType: 'manyToOne', onDelete: 'restrict' } }],
  });
  await api(page, 'POST', `/api/tables/${notes.slug}/records`, { data: { about: first.id } });
  await page.click('.head-gutter input');
  await page.click('.bulk button:has-text("Delete")');
  await page.waitForSelector('[role=dialog]:has-text("1 record cannot be deleted. Nothing has been deleted of these and 3 others yet.")');
  assert.match(await page.textContent('[role=dialog] tbody tr'), new RegExp(notes.slug));
  await assertAccessible(page, 'records that cannot be deleted');
  await page.click('[role=dialog] button:has-text("Delete the other 3")');
  await page.waitForSelector('.toolbar-count:has-text("1 record")');
  await page.click('.toast button:has-text("Undo")');
  await page.waitForSelector('.toolbar-count:has-text("4 records")');
  assert.equal(others.length, 3);
  await api(page, 'DELETE', `/api/tables/${notes.slug}`);
});

test('what is typed while the server does not answer is sent when it is back', async () => {
  const slug = await fresh(3);
  await page.route(/\/(api|healthz)/, (route) => route.abort());
  await cell(page, 0, 1).click();
  await page.keyboard.type('4711');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.toast:has-text("Amount is not saved yet")');
  assert.equal(await cell(page, 0, 1).getAttribute('data-state'), 'saving');
  await page.unrouteAll({ behavior: 'wait' });
  await saved(page);
  assert.equal(Number((await recordsOf(page, slug))[0].data.amount), 4711);
  // The requests that were let fall.
  session.faults.splice(0, Infinity, ...session.faults.filter((fault) => !fault.includes('ERR_FAILED')));
});

test('many records are deleted and brought back as one operation each', async () => {
  const slug = await fresh(1_200);
  await page.click('.head-gutter input');
  await page.waitForSelector('.bulk:has-text("1,200 selected")');
  await page.click('.bulk button:has-text("Delete")');
  await page.fill('[role=dialog] input', '1200');
  await page.click('[role=dialog] button:has-text("Delete")');
  await page.waitForSelector('text=No records');
  await page.click('.toast button:has-text("Undo")');
  await page.waitForSelector('.toolbar-count:has-text("1,200 records")');
  const { operations } = await api(page, 'GET', `/api/operations?table=${slug}&limit=3`);
  const [undo, deletion] = operations;
  assert.deepEqual([undo.changes, undo.reverts, deletion.changes], [1_200, deletion.operation, 1_200]);
  assert.equal(operations[2].tables[0].inserted, 1_200);
});

test('a field is set in all records at once', async () => {
  const slug = await fresh(12);
  await page.click('.head-gutter input');
  await page.waitForSelector('.bulk:has-text("12 selected")');
  await page.click('.bulk button:has-text("Set a field")');
  await page.click('.mantine-Modal-body input[role=combobox], .mantine-Modal-body .mantine-Select-input');
  await page.click('[role=option]:visible:has-text("Amount")');
  await page.fill('.mantine-Modal-body .mantine-TextInput-input', '77');
  // The grid shows it before it is kept.
  const kept = page.waitForResponse((one) => one.request().method() === 'PATCH' && one.ok());
  await page.click('.mantine-Modal-body button:has-text("Set")');
  await shows(page, 11, 1, '77');
  await kept;
  assert.equal(Number((await recordsOf(page, slug))[5].data.amount), 77);
});

test('columns are resized, moved and hidden, and stay so', async () => {
  const slug = await fresh(5);
  const head = page.locator('.head-cell[data-col="1"]');
  const box = await head.boundingBox();
  await page.mouse.move(box.x + box.width, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width + 80, box.y + 10, { steps: 4 });
  await page.mouse.up();
  await page.waitForTimeout(300);
  await cell(page, 0, 1).click();
  await page.keyboard.press('Alt+Shift+ArrowRight');
  await page.waitForSelector('.head-cell[data-col="2"]:has-text("Amount")');
  await page.keyboard.press('Alt+ArrowDown');
  await page.click('[role=menuitem]:has-text("Sort descending")');
  await shows(page, 0, 0, 'Row 0005');
  await cell(page, 0, 3).click();
  await page.keyboard.press('Alt+ArrowDown');
  await page.click('[role=menuitem]:has-text("Hide")');
  await page.waitForSelector('text=1 field hidden');
  await page.waitForTimeout(300);
  const table = await api(page, 'GET', `/api/tables/${slug}?include=columns`);
  const amount = table.columns.find((column) => column.slug === 'amount');
  assert.equal(Math.round(amount.width), Math.round(box.width + 80));
  assert.equal(table.columns.find((column) => column.slug === 'stage').isVisible, false);
  const order = [...table.columns].sort((a, b) => a.orderIndex - b.orderIndex).map((column) => column.slug);
  assert.deepEqual(order.slice(0, 3), ['name', 'done', 'amount']);
});

test('nothing of all this left an error or broke the content policy', async () => {
  await assertClean(session);
});
