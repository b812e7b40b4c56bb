// The pages for those who run the server: users, webhooks, imports and jobs, settings with their plots, and going to anything by keyboard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, api, assertAccessible, assertClean, base, launch, makeTable, openTable, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
const stamp = `${Date.now() % 1_000_000}`;
const grace = { name: `Grace ${stamp}`, email: `grace-${stamp}@example.com` };

/** The page as it is now, in light and in dark. */
async function accessibleInBoth(where) {
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    await page.waitForSelector(`html[data-mantine-color-scheme=${colorScheme}]`);
    await page.waitForTimeout(250);
    await assertAccessible(page, `${where}, ${colorScheme}`);
  }
}

const row = (email) => page.locator(`tr[data-user="${email}"]`);

test('a user is added by keyboard, changed, disabled and enabled again', async () => {
  await page.goto(`${base}/users`);
  await page.focus('button:has-text("Add user")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=dialog] input');
  await page.keyboard.type(grace.name);
  await page.keyboard.press('Tab');
  await page.keyboard.type(grace.email);
  await page.focus('[role=dialog] button:has-text("Make one up")');
  await page.keyboard.press('Enter');
  const password = await page.inputValue('[role=dialog] input[autocomplete=new-password]');
  assert.ok(password.length >= 20);
  await accessibleInBoth('adding a user');
  await page.focus('[role=dialog] button[type=submit]');
  await page.keyboard.press('Enter');
  await row(grace.email).waitFor();
  assert.equal((await page.content()).includes(password), false);
  await accessibleInBoth('users');

  await row(grace.email).locator('button').click();
  await page.click('[role=menuitem]:has-text("Change name or role")');
  await page.click('[role=dialog] input[aria-haspopup=listbox]');
  await page.click('[role=option]:visible:has-text("Viewer")');
  await page.click('[role=dialog] button[type=submit]');
  await row(grace.email).locator('td:text-is("Viewer")').waitFor();

  await row(grace.email).locator('button').click();
  await page.click('[role=menuitem]:has-text("Disable")');
  await page.click('[role=dialog] button:has-text("Disable")');
  await row(grace.email).locator('text=disabled').waitFor();
  await row(grace.email).locator('button').click();
  await page.click('[role=menuitem]:has-text("Enable")');
  await row(grace.email).locator('text=active').waitFor();

  const visitor = await launch();
  try {
    await visitor.page.goto(`${base}/`);
    await visitor.page.fill('input[name=email]', grace.email);
    await visitor.page.fill('input[name=password]', password);
    await visitor.page.click('button[type=submit]');
    await visitor.page.waitForSelector('.shell');
    assert.equal(await visitor.page.locator('.side a:has-text("Users")').count(), 0);
    for (const path of ['users', 'webhooks', 'settings/metrics', 'settings/backup']) {
      await visitor.page.goto(`${base}/${path}`);
      await visitor.page.waitForSelector('main :text("Only admins")');
    }
    await visitor.page.goto(`${base}/settings`);
    await visitor.page.waitForSelector('text=What it holds');
    await assertClean(visitor);
  } finally {
    await visitor.browser.close();
  }
});

test('whoever changes the own password stays signed in', async () => {
  await page.goto(`${base}/users`);
  await row(account.email).locator('button').click();
  await page.click('[role=menuitem]:has-text("Change your password")');
  await page.fill('[role=dialog] input[autocomplete=current-password]', account.password);
  await page.fill('[role=dialog] input[autocomplete=new-password]', account.password);
  await page.click('[role=dialog] button[type=submit]');
  await page.waitForSelector('.toast:has-text("Your password was changed")');
  await api(page, 'GET', '/api/users');
});

test('a webhook shows its secret once, and what became of its messages', async () => {
  const table = await makeTable(page, 1);
  await page.goto(`${base}/webhooks`);
  await page.click('button:has-text("Add webhook") >> nth=0');
  await page.fill('[role=dialog] input[inputmode=url]', `https://hook-${stamp}.invalid/in`);
  await page.click('[role=dialog] input[placeholder="All tables"]');
  await page.click(`[role=option]:visible:has-text("${table.name}")`);
  await page.keyboard.press('Escape');
  await page.click('[role=dialog] button[type=submit]');
  const secret = (await page.textContent('.secret')).trim();
  assert.match(secret, /^whsec_/);
  await page.click('button:has-text("I have saved it")');
  await page.click(`a.row-link:has-text("hook-${stamp}")`);
  await page.waitForSelector('text=Nothing was sent yet');
  assert.equal((await page.content()).includes(secret), false);
  await accessibleInBoth('a webhook without messages');
  await api(page, 'POST', `/api/tables/${table.slug}/records`, { data: { name: 'Told' } });
  await page.waitForSelector(`.deliveries td:has-text("table.${table.slug}.inserted")`);
  await page.click('.deliveries button:has-text("Send again")');
  await page.waitForSelector('.toast[data-kind=error]:has-text("It did not arrive")');
  await accessibleInBoth('a webhook with messages');
  await page.click('.mantine-Switch-root');
  await page.waitForSelector('.toast:has-text("Nothing is sent until")');
  await page.click('button[aria-label="More about this webhook"]');
  await page.click('[role=menuitem]:has-text("Delete")');
  await page.click('[role=dialog] button:has-text("Delete")');
  await page.waitForSelector('.toast:has-text("The webhook was deleted")');
});

test('imports are listed and can be taken back; jobs stand below', async () => {
  const table = await makeTable(page, 0);
  await api(page, 'POST', `/api/tables/${table.slug}/import/json`, [{ name: 'One' }, { name: 'Two' }]);
  await page.goto(`${base}/jobs`);
  await page.waitForSelector(`.imports tr:has-text("${table.name}"):has-text("2 created") button:has-text("Undo")`);
  await page.waitForSelector('button:has-text("Start a job")');
  await accessibleInBoth('imports and jobs');
});

test('the load is drawn, and told as a table', async () => {
  await page.goto(`${base}/settings`);
  await page.waitForSelector('dt:text-is("Stored in")');
  await accessibleInBoth('settings');
  await page.click('.parts a:has-text("Load")');
  await page.waitForSelector('.plot[data-plot=requests] canvas');
  assert.ok((await page.locator('.plot').count()) >= 5);
  await page.click('.plot[data-plot=memory] summary');
  assert.match(await page.textContent('.plot[data-plot=memory] tbody'), /MB/);
  const drawn = await page.evaluate(() => {
    const canvas = document.querySelector('.plot[data-plot=memory] canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((byte) => byte > 0);
  });
  assert.ok(drawn, 'the plot is empty');
  await accessibleInBoth('the load');
  await page.click('.parts a:has-text("Backup")');
  const download = page.waitForEvent('download');
  await page.click('a:has-text("Download a backup")');
  assert.equal((await download).suggestedFilename(), 'chancery-backup.db');
  await page.click('.parts a:has-text("Keyboard")');
  await page.waitForSelector('.help');
  await accessibleInBoth('the keyboard map');
});

test('anything is reached by Ctrl+K and a few letters, also a record of the open table', async () => {
  const table = await makeTable(page, 20);
  await openTable(page, table.slug);
  await page.locator('#cell-2-1').click();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('0017');
  await page.waitForSelector('.palette li:has-text("Row 0017")');
  await accessibleInBoth('go to anything');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.drawer-title:has-text("Row 0017")');
  await page.keyboard.press('k');
  await page.waitForSelector('.drawer-title:has-text("Row 0016")');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.waitForSelector('.drawer-title:has-text("Row 0018")');
  assert.match(page.url(), /\/r\//);
  await page.keyboard.press('Escape');
  await page.waitForSelector('.drawer-title', { state: 'detached' });
  await page.keyboard.press('Control+k');
  await page.keyboard.type('webh');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/webhooks');
});

test('a failure of each of these pages names its request and can be tried again', async () => {
  const body = JSON.stringify({ type: '/', title: 'internal', status: 500, code: 'internal', detail: 'Broken for the test', requestId: 'req-of-the-test' });
  const broken = { status: 500, contentType: 'application/problem+json', body };
  for (const [path, pattern] of [['/users', '**/api/users?*'], ['/webhooks', '**/api/webhooks?*'], ['/settings', '**/api/stats'], ['/settings/metrics', '**/metrics']]) {
    await page.goto(`${base}/`);
    await page.route(pattern, (route) => (route.request().resourceType() === 'document' ? route.fallback() : route.fulfill(broken)));
    await page.goto(`${base}${path}`);
    await page.waitForSelector('[role=alert]:has-text("req-of-the-test")');
    await page.unroute(pattern);
    await page.click('[role=alert] button:has-text("Try again")');
    await page.waitForSelector('[role=alert]', { state: 'detached' });
  }
  session.faults.splice(0, Infinity, ...session.faults.filter((one) => !one.includes('status of 500')));
});

test('nothing of all this left an error or broke the content policy', async () => {
  await assertClean(session);
});
