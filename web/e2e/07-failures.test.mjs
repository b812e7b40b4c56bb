// What a viewer sees, and what anybody sees when the server fails: named, with a request id, and with a way on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, base, cell, launch, makeTable, openTable, signedIn } from './support.mjs';

const PASSWORD = 'a password for looking';

test('a viewer reads everything and is offered nothing that would be refused', async () => {
  const owner = await signedIn();
  const visitor = await launch();
  try {
    const table = await makeTable(owner.page, 5);
    const email = `viewer-${Date.now()}@example.com`;
    await api(owner.page, 'POST', '/api/users', { email, name: 'Vera Viewer', role: 'viewer', password: PASSWORD });
    const { page } = visitor;
    await page.goto(`${base}/`);
    await page.fill('input[name=email]', email);
    await page.fill('input[name=password]', PASSWORD);
    await page.click('button[type=submit]');
    await page.waitForSelector('.card');
    assert.equal(await page.locator('text=New table').count(), 0);
    await openTable(page, table.slug);
    await cell(page, 0, 0).click();
    await page.keyboard.type('Mine');
    assert.equal(await page.locator('.editor').count(), 0);
    assert.equal(await page.locator('.toolbar button:has-text("Record")').count(), 0);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.facts');
    assert.equal(await page.locator('button[type=submit]').count(), 0);
    await assertAccessible(page, 'a record a viewer reads');
    await page.goto(`${base}/t/${table.slug}/import`);
    await page.waitForSelector('text=You may not see this');
    await page.goto(`${base}/keys`);
    await page.waitForSelector('text=Only admins');
    await assertClean(visitor);
  } finally {
    await visitor.browser.close();
    await owner.browser.close();
  }
});

const problem = (status, code, detail) => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({ type: '/', title: code, status, code, detail, requestId: 'req-of-the-test' }),
});

for (const [where, pattern, path] of [
  ['the list of tables', '**/api/tables?*', () => '/'],
  ['a table', '**/api/tables/*?include=columns', (slug) => `/t/${slug}`],
  ['the rows', '**/query', (slug) => `/t/${slug}`],
  ['the columns', '**/api/tables/*?include=columns', (slug) => `/t/${slug}/columns`],
  ['the trash', '**/trash?*', (slug) => `/t/${slug}/trash`],
  ['API keys', '**/api/api-keys?*', () => '/keys'],
  ['the imports', '**/api/imports?*', () => '/jobs'],
]) {
  test(`a failure of ${where} names its request and can be tried again`, async () => {
    const session = await signedIn();
    const { page } = session;
    try {
      const table = await makeTable(page, 3);
      await page.route(pattern, (route) => route.fulfill(problem(500, 'internal', 'Something failed here.')));
      await page.goto(`${base}${path(table.slug)}`);
      await page.waitForSelector('[role=alert]:has-text("req-of-the-test")');
      await assertAccessible(page, `failed: ${where}`);
      await page.unroute(pattern);
      await page.click('button:has-text("Try again")');
      await page.waitForSelector('[role=alert]', { state: 'detached' });
    } finally {
      await session.browser.close();
    }
  });
}

test('an expired session leads to sign-in', async () => {
  const session = await signedIn();
  const { page } = session;
  try {
    const table = await makeTable(page, 3);
    await openTable(page, table.slug);
    await session.context.clearCookies();
    await page.click('button[aria-label="Reload"]');
    await page.waitForSelector('input[name=password]');
    await assertClean(session);
  } finally {
    await session.browser.close();
  }
});
