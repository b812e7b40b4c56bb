// axe with WCAG 2.2 AA on every page and panel, in light and in dark: nothing may be found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, assertClean, base, cell, launch, makeTable, openTable, signedIn } from './support.mjs';

for (const colorScheme of ['light', 'dark']) {
  test(`every page is accessible in ${colorScheme}`, async (t) => {
    const outside = await launch({ colorScheme });
    try {
      await outside.page.goto(`${base}/setup?token=not-a-token`);
      await outside.page.waitForSelector('input[name=email]');
      await assertAccessible(outside.page, 'set-up');
      await outside.page.goto(`${base}/`);
      await outside.page.waitForSelector('input[name=password]');
      await assertAccessible(outside.page, 'sign-in');
    } finally {
      await outside.browser.close();
    }
    const session = await signedIn({ colorScheme });
    const { page } = session;
    try {
      const table = await makeTable(page, 60);
      const empty = await makeTable(page, 0);
      const path = `${base}/t/${table.slug}`;
      const check = (where, prepare) =>
        t.test(where, async () => {
          await prepare();
          await page.waitForTimeout(400);
          await assertAccessible(page, where);
        });
      await check('tables as cards', async () => {
        await page.goto(`${base}/`);
        await page.waitForSelector('.card');
      });
      await check('tables as a list', async () => {
        await page.click('.page-head .mantine-SegmentedControl-label >> nth=1');
        await page.waitForSelector('table.plain');
      });
      await check('grid', async () => {
        await openTable(page, table.slug);
        await cell(page, 1, 1).click();
      });
      await check('grid with an editor open', () => page.keyboard.press('Enter'));
      await check('grid with options open', async () => {
        await page.keyboard.press('Escape');
        await cell(page, 1, 3).click();
        await page.keyboard.press('Enter');
      });
      await check('grid with a refused cell', async () => {
        await page.keyboard.press('Escape');
        await cell(page, 0, 5).click();
        await page.keyboard.type('nonsense');
        await page.keyboard.press('Enter');
        await page.waitForSelector('[data-state="error"]');
      });
      await check('filter panel', async () => {
        await openTable(page, table.slug);
        await page.click('button:has-text("Filter")');
        await page.click('button:has-text("Condition")');
        await page.click('.filter-panel button:has-text("Group")');
      });
      await check('sort panel', async () => {
        await openTable(page, table.slug);
        await page.click('.toolbar button:has-text("Sort")');
        await page.click('.sort-panel button:has-text("Sort key")');
      });
      await check('fields panel', async () => {
        await openTable(page, table.slug);
        await page.click('.toolbar button:has-text("Fields")');
      });
      await check('column menu', async () => {
        await openTable(page, table.slug);
        await cell(page, 0, 1).click();
        await page.keyboard.press('Alt+ArrowDown');
      });
      await check('cell menu', async () => {
        await openTable(page, table.slug);
        await cell(page, 0, 1).click({ button: 'right' });
      });
      await check('bulk bar', async () => {
        await openTable(page, table.slug);
        await page.click('.head-gutter input');
      });
      await check('set a field', () => page.click('.bulk button:has-text("Set a field")'));
      await check('export', async () => {
        await openTable(page, table.slug);
        await page.click('button[aria-label="Import, export and more"]');
        await page.click('[role=menuitem]:has-text("Export")');
      });
      await check('new record', async () => {
        await openTable(page, table.slug);
        await page.click('.toolbar button:has-text("Record")');
      });
      await check('record with errors', async () => {
        await page.fill('#field-mail', 'nonsense');
        await page.click('button[type=submit]:has-text("Save")');
        await page.waitForSelector('.record-form [role=alert]');
      });
      await check('record', async () => {
        await openTable(page, table.slug);
        await cell(page, 0, 0).click();
        await page.keyboard.press('Space');
        await page.waitForSelector('.facts');
      });
      await check('empty table', async () => {
        await page.goto(`${base}/t/${empty.slug}`);
        await page.waitForSelector('text=No records yet');
      });
      await check('nothing found', async () => {
        await openTable(page, table.slug);
        await page.fill('.toolbar-search input', 'nothing like this');
        await page.waitForSelector('text=No record matches');
      });
      await check('columns', () => page.goto(`${path}/columns`));
      await check('new column', () => page.click('button:has-text("Add column")'));
      await check('edit column with options', async () => {
        await page.goto(`${path}/columns`);
        await page.click('button[aria-label="Edit Stage"]');
      });
      await check('new blank table', () => page.goto(`${base}/new`));
      await check('new table from a file', () => page.goto(`${base}/new?from=file`));
      const upload = () =>
        page.setInputFiles('input[type=file]', { name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('Name,Amount,Mail\nOne,1,a@example.com\nTwo,x,bad\n') });
      await check('new table preview', async () => {
        await upload();
        await page.waitForSelector('.preview');
      });
      await check('import', async () => {
        await page.goto(`${path}/import`);
        await upload();
        await page.waitForSelector('.preview');
      });
      await check('import mapping', async () => {
        await page.getByRole('button', { name: 'Next', exact: true }).click();
        await page.waitForSelector('.mapping');
      });
      await check('import check', async () => {
        await page.click('button:has-text("Straight to the check")');
        await page.waitForSelector('.counts');
      });
      await check('trash', () => page.goto(`${path}/trash`));
      await check('API keys', () => page.goto(`${base}/keys`));
      await check('new API key', () => page.click('button:has-text("Create API key")'));
      await check('a table that is not there', async () => {
        await page.goto(`${base}/t/there-is-none`);
        await page.waitForSelector('[role=alert]');
      });
      await check('help', async () => {
        await page.goto(`${base}/`);
        await page.click('button[aria-label="Help and keyboard"]');
      });
      await check('narrow screen', async () => {
        await page.setViewportSize({ width: 360, height: 740 });
        await openTable(page, table.slug);
      });
      await assertClean(session);
    } finally {
      await session.browser.close();
    }
  });
}

test('on a phone every button is on the screen', async () => {
  const session = await signedIn({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const { page } = session;
  const beyond = (where) =>
    page.locator(`${where} :is(button, a, input):visible`).evaluateAll((all) =>
      all
        .map((one) => [one.textContent || one.getAttribute('aria-label'), one.getBoundingClientRect()])
        .filter(([, box]) => box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight)
        .map(([name]) => name),
    );
  try {
    const table = await makeTable(page, 30);
    await openTable(page, table.slug);
    assert.deepEqual(await beyond('.toolbar'), []);
    await cell(page, 1, 0).click();
    await page.keyboard.press('Shift+Space');
    await page.waitForSelector('.bulk');
    assert.deepEqual(await beyond('.bulk'), []);
    await assertAccessible(page, 'the grid on a phone');
    await page.click('.toolbar-new');
    await page.waitForSelector('.form-foot');
    await page.waitForTimeout(400);
    assert.deepEqual(await beyond('.form-foot'), []);
    await page.goto(`${base}/activity`);
    await page.waitForSelector('.activity tbody tr');
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    await assertClean(session);
  } finally {
    await session.browser.close();
  }
});
