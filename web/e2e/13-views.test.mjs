// How a table is looked at: groups, frozen columns, the height of rows, figures; all in the address.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertClean, cell, makeTable, openTable, saved, shows, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
const table = await makeTable(page, 300);

const item = (name) => page.click(`[role^=menuitem]:visible:has-text("${name}")`);
const viewNow = () => JSON.parse(new URL(page.url()).searchParams.get('view') ?? '{}');

test('rows are grouped, groups are closed by keyboard, and the counts come from the server', async () => {
  await openTable(page, table.slug);
  await cell(page, 0, 2).click();
  await page.keyboard.press('Control+Shift+G');
  await page.click('.group-panel input');
  await page.click('[role=option]:visible:has-text("Done")');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.group-line');
  assert.deepEqual(await page.locator('.group-count').allTextContents(), ['150']);
  await shows(page, 0, 0, 'Row 0002');
  await page.focus('.grid');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await page.focus('.group-line button');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.group-line:nth-of-type(n) button[aria-expanded=false]');
  await page.waitForFunction(() => document.querySelectorAll('.group-line').length === 2);
  await shows(page, 150, 0, 'Row 0001');
  await assertAccessible(page, 'groups');
  await cell(page, 150, 0).click();
  await page.keyboard.press('ArrowUp');
  assert.equal(await page.getAttribute('.grid', 'aria-activedescendant'), 'cell-150-0', 'rows of a closed group are passed over');
  await page.keyboard.press('Control+End');
  await shows(page, 299, 0, 'Row 0299');
  assert.deepEqual(viewNow().group, { column: 'done', direction: 'asc' });
});

test('a figure stands below its column and below each group, and follows an edit', async () => {
  await page.keyboard.press('Control+Home');
  await cell(page, 150, 1).click();
  await page.keyboard.press('Alt+ArrowDown');
  await page.focus('[role=menuitem]:visible:has-text("Figure below")');
  await page.keyboard.press('ArrowRight');
  await page.waitForSelector('[role=menuitemradio]:visible:has-text("Sum")');
  await assertAccessible(page, 'figures to choose from');
  await item('Sum');
  await page.waitForSelector('.foot-value:text-is("44,850")');
  await page.waitForSelector('.group-figure:text-is("22,350")');
  await cell(page, 150, 1).click();
  await page.keyboard.type('1000');
  await page.keyboard.press('Enter');
  await saved(page);
  await page.waitForSelector('.foot-value:text-is("45,850")');
  await page.keyboard.press('Control+z');
  await page.waitForSelector('.foot-value:text-is("44,850")');
});

test('a record whose group changes goes to the other one', async () => {
  await cell(page, 150, 2).click();
  await page.keyboard.press('Space');
  await page.waitForSelector('.group-count:text-is("149")');
  await shows(page, 151, 0, 'Row 0003');
  assert.equal(await cell(page, 150, 0).count(), 0, 'it is in the closed group now');
  await page.focus('.grid');
  await page.keyboard.press('Control+z');
  await page.waitForSelector('.group-line:has-text("150") ~ .group-line:has-text("150")');
  await shows(page, 150, 0, 'Row 0001');
});

test('columns are frozen, rows are taller, and a link to the view shows it again', async () => {
  await cell(page, 150, 1).click();
  await page.keyboard.press('Alt+ArrowDown');
  await item('Freeze up to here');
  await page.waitForFunction(() => document.querySelectorAll('.head-cell.frozen').length === 2);
  await page.click('button[aria-label="Import, export and more"]');
  await item('Medium');
  await page.waitForSelector('.grid[data-row-size=medium]');
  assert.deepEqual(viewNow(), { group: { column: 'done', direction: 'asc' }, frozen: 2, rowSize: 'medium', figures: { amount: 'sum' } });
  await page.reload();
  await page.waitForSelector('.group-line');
  await page.waitForSelector('.foot-value:text-is("44,850")');
  assert.equal(await page.locator('.head-cell.frozen').count(), 2);
  assert.equal((await cell(page, 0, 1).boundingBox()).height, 57);
  await page.emulateMedia({ colorScheme: 'dark' });
  await assertAccessible(page, 'a grouped table in dark');
});

test('what is selected is summed, and a column is fitted to what is in it', async () => {
  await openTable(page, table.slug);
  await cell(page, 1, 1).click();
  for (let i = 0; i < 2; i++) await page.keyboard.press('Shift+ArrowDown');
  assert.equal(await page.textContent('.selected-figures'), '3 cellssum 6average 2');
  await page.keyboard.press('Control+Space');
  await page.waitForSelector('.selected-figures:has-text("300 cells"):has-text("sum 44,850"):has-text("average 149.5")');
  const before = (await cell(page, 1, 0).boundingBox()).width;
  await cell(page, 1, 0).click();
  await page.keyboard.press('Alt+ArrowDown');
  await item('Fit width to content');
  await page.waitForFunction((old) => document.getElementById('cell-1-0').getBoundingClientRect().width < old, before);
});

test('nothing of all this left an error or broke the content policy', async () => {
  await assertClean(session);
});

test('a view is kept under a name, taken again, kept anew and forgotten', async () => {
  await openTable(page, table.slug);
  await page.goto(`${page.url().split('?')[0]}?view=${encodeURIComponent(JSON.stringify({ sort: [{ column: 'amount', direction: 'desc' }] }))}`);
  await shows(page, 0, 0, 'Row 0300');
  await page.click('button:has-text("Views")');
  await page.fill('.views-panel input[type=text], .views-panel input:not([type=checkbox])', 'Newest');
  await page.click('.views-panel button:has-text("Keep")');
  await page.waitForSelector('.views-name[aria-pressed=true]:has-text("Newest")');
  await assertAccessible(page, 'the saved views');
  await openTable(page, table.slug);
  await shows(page, 0, 0, 'Row 0001');
  await page.click('button:has-text("Views")');
  await page.click('.views-name:has-text("Newest")');
  await shows(page, 0, 0, 'Row 0300');
  await page.click('button[aria-label="Forget Newest"]');
  await page.waitForSelector('.views-name', { state: 'detached' });
  await assertClean(session);
});
