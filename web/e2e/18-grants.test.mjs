// Who may do what where: given on the page, said in words, and what the page is like for somebody who sees a part; the own password.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { api, assertAccessible, assertClean, base, cell, launch, recordsOf, saved, shows, signedIn, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
const outside = await launch();
after(() => outside.browser.close());
const guest = outside.page;
const asked = [];
guest.on('response', (response) => asked.push([response.status(), new URL(response.url()).pathname]));

const stamp = `${process.pid}`;
const email = `gus-${stamp}@example.com`;
const password = 'a password for guests';
const make = (name, columns) => api(page, 'POST', '/api/tables', { name: `${name} ${stamp}`, columns });
const orders = await make('Orders', [
  { name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true },
  { name: 'Shop', slug: 'shop', fieldType: 'select', options: [{ name: 'north' }, { name: 'south' }] },
  { name: 'Margin', slug: 'margin', fieldType: 'number' },
  { name: 'Status', slug: 'status', fieldType: 'text' },
]);
const products = await make('Products', [{ name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true }]);
const secret = await make('Secret', [{ name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true }]);
await api(page, 'POST', `/api/tables/${orders.slug}/records/bulk`, {
  records: [
    { name: 'One', shop: 'north', margin: 10, status: 'new' },
    { name: 'Two', shop: 'south', margin: 20, status: 'new' },
    { name: 'Three', shop: 'north', margin: 30, status: 'new' },
  ],
});
await api(page, 'POST', `/api/tables/${products.slug}/records/bulk`, { records: [{ name: 'Pen' }] });

const pick = async (on, label, option) => {
  await on.click(`[role=dialog] [aria-label="${label}"]`);
  await on.click(`[role=option]:visible:has-text("${option}")`);
};
const enter = async (on, mail, word) => {
  await on.goto(`${base}/`);
  await on.waitForSelector('input[name=email]');
  await on.fill('input[name=email]', mail);
  await on.fill('input[name=password]', word);
  await on.click('button[type=submit]');
  await on.waitForSelector('.shell');
};

test('a guest is given a table, a part of it, and another to read; the sentence says it', async () => {
  await page.goto(`${base}/users`);
  await page.click('button:has-text("Add user")');
  await page.fill('[role=dialog] input[data-autofocus]', 'Gus Guest');
  await page.fill('[role=dialog] input[type=email]', email);
  await page.click('[role=dialog] .mantine-Select-input >> nth=0');
  await page.click('[role=option]:visible:has-text("Guest")');
  await page.fill('[role=dialog] input[autocomplete=new-password]', password);
  await page.waitForSelector('text=None yet: without any, nothing is seen');
  await page.click('[role=dialog] button:has-text("Table or workspace")');
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Place 1');
  await pick(page, 'Place 1', orders.name);
  await page.selectOption(`[aria-label="What may be done with ${orders.name}"]`, 'write');
  await page.waitForSelector(`.grant-said:text-is("writes ${orders.name}")`);
  await page.focus(`[aria-label="Columns and records of ${orders.name}"]`);
  await page.keyboard.press('Enter');
  await page.selectOption('[aria-label="What may be done with Margin"]', 'none');
  await page.selectOption('[aria-label="What may be done with Status"]', 'read');
  await page.click('[role=dialog] button:has-text("Condition")');
  await page.click('[role=dialog] [aria-label="Field"]');
  await page.click('[role=option]:visible:has-text("Shop")');
  await page.waitForSelector('text=Finish the conditions');
  assert.ok(await page.isDisabled('[role=dialog] button[type=submit]'), 'a condition without its value would give everything');
  await assertAccessible(page, 'a condition that is not finished');
  await page.click('[role=dialog] [aria-label="Value for Shop"]');
  await page.click('[role=option]:visible:has-text("north")');
  await page.waitForSelector(`.grant-said:text-is("writes ${orders.name} where Shop is north, without Margin, only reading Status")`);
  await page.click('[role=dialog] button:has-text("Table or workspace")');
  await pick(page, 'Place 2', products.name);
  await assertAccessible(page, 'grants');
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/grants-dialog.png` });
  await page.click('[role=dialog] button[type=submit]');
  await page.waitForSelector('.toast:has-text("may sign in now")');
  await page.waitForSelector(`tr[data-user="${email}"] .grants-short:has-text("writes ${orders.name} where Shop is north, without Margin, only reading Status; and 1 more")`);
});

test('the guest sees what is theirs, and nothing else is offered', async () => {
  await enter(guest, email, password);
  await guest.waitForSelector(`.card:has-text("${orders.name}")`);
  const nav = await guest.textContent('nav.side');
  for (const word of ['New table', 'Activity', 'Imports and jobs', 'Users', secret.name]) assert.ok(!nav.includes(word), word);
  assert.equal(await guest.locator('main a:has-text("New table"), main a:has-text("From a file")').count(), 0);
  await guest.goto(`${base}/t/${orders.slug}`);
  await guest.waitForSelector('.row [data-col="0"]:not(:has(.ghost))');
  await guest.waitForSelector(`.notice:has-text("writes ${orders.name} where Shop is north, only reading Status")`);
  await shows(guest, 1, 0, 'Three');
  assert.ok(!(await guest.textContent('main')).includes('Margin'));
  assert.equal(await guest.locator('.head-add, [aria-label="Add column"]').count(), 0);
  await assertAccessible(guest, 'a part of a table');
  if (process.env.SHOTS) await guest.screenshot({ path: `${process.env.SHOTS}/grants-grid.png` });
});

test('what may be written is written, the rest cannot be typed into, and the table is read again without noise', async () => {
  await cell(guest, 0, 0).click();
  await guest.keyboard.type('One more');
  await guest.keyboard.press('Enter');
  await saved(guest);
  await shows(guest, 0, 0, 'One more');
  assert.equal((await recordsOf(page, orders.slug))[0].data.name, 'One more');
  await cell(guest, 0, 2).click();
  await guest.keyboard.type('x');
  assert.equal(await guest.locator('.editor').count(), 0);
  await api(page, 'PATCH', `/api/tables/${orders.slug}/records/${(await recordsOf(page, orders.slug))[2].id}`, { data: { name: 'Third' } });
  await guest.click('[aria-label="Reload"]');
  await shows(guest, 1, 0, 'Third');
  assert.equal(await guest.locator('.toast[data-kind=error]').count(), 0);
});

test('what cannot be held to a part says so kindly', async () => {
  await guest.click('.toolbar button[aria-label="Import, export and more"]');
  const items = (await guest.locator('[role=menuitem]').allTextContents()).join(' ');
  for (const word of ['Import', 'Duplicates', 'Forms']) assert.ok(!items.includes(word), word);
  await guest.keyboard.press('Escape');
  for (const where of ['/activity', `/t/${orders.slug}/duplicates`, `/t/${orders.slug}/forms`, `/t/${orders.slug}/import`]) {
    await guest.goto(base + where);
    await guest.waitForSelector('h2:has-text("Not for you")');
    await assertAccessible(guest, where);
  }
  await guest.goto(`${base}/t/${orders.slug}`);
  await guest.waitForSelector('.row [data-col="0"]:not(:has(.ghost))');
  await cell(guest, 0, 0).click();
  await guest.keyboard.press('Space');
  await guest.click('[role=tab]:has-text("History")');
  await guest.waitForSelector('[role=dialog] h2:has-text("Not for you")');
  assert.deepEqual(asked.filter(([status]) => status === 403), [], 'nothing was asked that is refused');
});

test('a table that may only be read says so and offers no editing', async () => {
  await guest.goto(`${base}/t/${products.slug}`);
  await guest.waitForSelector('.row [data-col="0"]:not(:has(.ghost))');
  await guest.waitForSelector(`.notice:has-text("You may read ${products.name}, but not change it.")`);
  assert.equal(await guest.locator('.toolbar-new').count(), 0);
  await cell(guest, 0, 0).click();
  await guest.keyboard.type('x');
  assert.equal(await guest.locator('.editor').count(), 0);
  await guest.goto(`${base}/t/${secret.slug}`);
  await guest.waitForSelector('[role=alert]');
  await assertClean(outside);
});

test('the own password: mistakes stand at their inputs, and other sessions end', async () => {
  const other = await launch();
  try {
    await enter(other.page, email, password);
    await guest.goto(`${base}/`);
    await guest.focus('[aria-label="Account of Gus Guest"]');
    await guest.keyboard.press('Enter');
    await guest.click('[role=menuitem]:has-text("Change your password")');
    await guest.waitForSelector('[role=dialog] :text("signed out everywhere else")');
    await guest.fill('[autocomplete=current-password]', 'not this one');
    await guest.fill('[autocomplete=new-password]', 'another long password');
    await guest.keyboard.press('Enter');
    await guest.waitForSelector('text=This is not your password.');
    assert.equal(await guest.evaluate(() => document.activeElement?.getAttribute('autocomplete')), 'current-password');
    await assertAccessible(guest, 'a wrong password');
    await guest.fill('[autocomplete=current-password]', password);
    await guest.fill('[autocomplete=new-password]', 'short');
    await guest.keyboard.press('Enter');
    await guest.waitForSelector('text=Minimum length is 8');
    await guest.fill('[autocomplete=new-password]', 'another long password');
    await guest.keyboard.press('Enter');
    await guest.waitForSelector('.toast:has-text("Your password was changed")');
    await guest.reload();
    await guest.waitForSelector('.shell');
    await other.page.reload();
    await other.page.waitForSelector('input[name=password]');
  } finally {
    await other.browser.close();
  }
});

test('grants are changed, and sessions end with the old ones', async () => {
  await page.reload();
  await page.click('[aria-label="Menu of Gus Guest"]');
  await page.click('[role=menuitem]:has-text("Change name or role")');
  await page.waitForSelector(`.grant-said:has-text("without Margin")`);
  await page.click(`[aria-label="Remove what is said of ${products.name}"]`);
  await page.waitForSelector('text=signed out everywhere when this is saved');
  await page.click('[role=dialog] button[type=submit]');
  await page.waitForSelector('.toast:has-text("was changed")');
  await page.waitForSelector(`tr[data-user="${email}"] .grants-short:not(:has-text("more"))`);
  await guest.reload();
  await guest.waitForSelector('input[name=password]');
});

test('an API key has grants too; what is refused stands at its row', async () => {
  const gone = await make('Gone', [{ name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true }]);
  await page.goto(`${base}/keys`);
  await page.click('button:has-text("Create API key")');
  await page.fill('[role=dialog] input[data-autofocus]', `shop ${stamp}`);
  await page.click('[role=dialog] .mantine-Select-input >> nth=0');
  await page.click('[role=option]:visible:has-text("Nothing but what is said below")');
  await page.click('[role=dialog] button:has-text("Table or workspace")');
  await pick(page, 'Place 1', products.name);
  await page.click('[role=dialog] button:has-text("Table or workspace")');
  await pick(page, 'Place 2', gone.name);
  await api(page, 'DELETE', `/api/tables/${gone.slug}`);
  await page.click('[role=dialog] button[type=submit]');
  await page.waitForSelector('.grant[data-wrong] [role=alert]:has-text("No table")');
  assert.equal(await page.locator('.grant').nth(1).getAttribute('data-wrong'), 'true');
  await assertAccessible(page, 'a grant that is refused');
  await page.click('.grant[data-wrong] [aria-label^="Remove what is said"]');
  await page.click('[role=dialog] button[type=submit]');
  await page.click('button:has-text("I have saved it")');
  await page.waitForSelector(`tr:has-text("shop ${stamp}") .grants-short:has-text("reads ${products.name}")`);
});

test('an editor who is held to some tables is offered no import anywhere, and none is asked for', async () => {
  const empty = await make('Empty', [{ name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true }]);
  const mail = `edda-${stamp}@example.com`;
  await api(page, 'POST', '/api/users', { name: 'Edda Editor', email: mail, role: 'editor', password, grants: [{ table: secret.id, scope: 'none' }] });
  const own = await launch();
  const refused = [];
  own.page.on('response', (response) => response.status() === 403 && refused.push(response.url()));
  try {
    await enter(own.page, mail, password);
    await own.page.waitForSelector(`.card:has-text("${empty.name}")`);
    const offered = () => own.page.locator('main :is(a, button, [role=tab]):text-matches("file|import", "i")').count();
    await own.page.waitForSelector('main a:has-text("New table")');
    assert.equal(await offered(), 0, 'on the first page');
    await own.page.goto(`${base}/t/${empty.slug}`);
    await own.page.waitForSelector('.blank button:has-text("Record")');
    assert.ok(!(await own.page.textContent('.blank')).includes('import a file'));
    assert.equal(await offered(), 0, 'in an empty table');
    await own.page.goto(`${base}/new?from=file`);
    await own.page.waitForSelector('h2:has-text("Not for you")');
    assert.equal(await own.page.locator('input[type=file]').count(), 0);
    await assertAccessible(own.page, 'a new table without files');
    await own.page.click('main a:has-text("Blank")');
    await own.page.waitForSelector('form.narrow');
    assert.equal(await offered(), 0, 'for a new table');
    const about = [];
    own.page.on('request', (request) => request.url().includes('/api/imports') && about.push(request.url()));
    await own.page.goto(`${base}/imports/x`);
    await own.page.waitForSelector('h2:has-text("Not for you")');
    await assertAccessible(own.page, 'an import');
    assert.deepEqual(about, [], 'the server is asked for no import');
    assert.deepEqual(refused, [], 'nothing was asked that is refused');
    await assertClean(own);
  } finally {
    await own.browser.close();
  }
});

for (const colorScheme of ['light', 'dark']) {
  test(`grants are accessible in ${colorScheme}`, async () => {
    const own = await signedIn({ colorScheme });
    try {
      for (const width of [1280, 800]) {
        await own.page.setViewportSize({ width, height: 820 });
        await own.page.goto(`${base}/users`);
        await own.page.waitForSelector('.grants-short');
        await assertAccessible(own.page, `users, ${width} wide`);
        await own.page.click('[aria-label="Menu of Gus Guest"]');
        await own.page.click('[role=menuitem]:has-text("Change name or role")');
        await own.page.click(`[aria-label="Columns and records of ${orders.name}"]`);
        await own.page.waitForSelector('.grant-columns li');
        await assertAccessible(own.page, `grants, ${width} wide`);
        if (process.env.SHOTS) await own.page.screenshot({ path: `${process.env.SHOTS}/grants-${width}-${colorScheme}.png` });
      }
      await assertClean(own);
    } finally {
      await own.browser.close();
    }
  });
}

test('nothing of all this was an error', async () => {
  await assertClean(session);
  await assertClean(outside);
});
