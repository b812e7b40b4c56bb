// The vault: what is put away, read, changed and deleted, and that no value, token or password stays anywhere in the browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, assertKeptNowhere, base, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
const stamp = `${Date.now() % 1_000_000}`;
const PASSWORD = 'correct horse battery';
const dialog = page.locator('[role=dialog]');
const field = (name) => dialog.getByRole('textbox', { name, exact: true });
const button = (name) => page.getByRole('button', { name, exact: true });
const said = [];
page.on('console', (message) => said.push(message.text()));

/** Refusals that a test provokes are told by the browser itself, as failed requests. */
const forgive = (...statuses) => {
  const kept = session.faults.filter((one) => !statuses.some((status) => one.includes(`status of ${status}`)));
  session.faults.splice(0, Infinity, ...kept);
};

const put = (body) => api(page, 'POST', '/api/vault/tokens', body);

async function openSecret(id) {
  await page.goto(`${base}/vault/s/${id}`);
  await page.waitForSelector('main .facts');
}

const assertNowhere = (...canaries) => assertKeptNowhere(page, said, ...canaries);

test('an empty vault says what a secret is and how to make the first one', async () => {
  const nothing = { secrets: [], pagination: { total: 0, hasMore: false, limit: 50 } };
  await page.route('**/api/vault/tokens/query', (route) => route.fulfill({ json: nothing }));
  await page.goto(`${base}/`);
  await page.click('.side a:has-text("Vault")');
  await page.waitForSelector('text=No secrets yet');
  assert.match(await page.textContent('main'), /whoever shows the token gets the value/);
  assert.match(await page.textContent('main'), /chancery vault create/);
  await button('Put the first one away').click();
  await field('Value').waitFor();
  await page.keyboard.press('Escape');
  await page.unroute('**/api/vault/tokens/query');
});

test('a secret is put away with the keyboard alone, its token is shown once, and the list has no value', async () => {
  const canary = `canary-${stamp}-made`;
  await page.goto(`${base}/vault`);
  await button('New secret').focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await page.keyboard.type(canary);
  assert.equal(await field('Value').evaluate((one) => getComputedStyle(one).webkitTextSecurity), 'disc', 'hidden while typed');
  await page.getByRole('button', { name: 'Show Value' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await field('Value').evaluate((one) => getComputedStyle(one).webkitTextSecurity), 'none');
  await field('Metadata text 1').focus();
  await page.keyboard.type(`made ${stamp}`);
  await field('New password').focus();
  await page.keyboard.type('short');
  await field('New password again').focus();
  await page.keyboard.type('short');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=dialog] >> text=fewer than 12 characters');
  assert.equal(await field('New password').getAttribute('aria-invalid'), 'true', 'the refusal stands at its field');
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-invalid') === 'true');
  await field('New password').fill(PASSWORD);
  await field('New password again').fill(PASSWORD);
  await page.keyboard.press('Enter');
  const token = (await page.textContent('.token-once')).trim();
  assert.match(token, /^tk_/);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.token-once').count(), 1, 'no stray key loses the token');
  await button('Copy').click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  await button('I have saved it').click();
  const row = page.locator('tr', { hasText: `made ${stamp}` });
  await row.waitFor();
  assert.match(await row.textContent(), /live.*never.*no limit.*yes/);
  assert.ok(await button('New secret').evaluate((one) => one === document.activeElement), 'the focus is back');
  forgive(422);
  await assertNowhere(canary, token, PASSWORD);
});

test('a value is shown for a short while, and hidden by the button, by time, by leaving and by turning away', async () => {
  const canary = `canary-${stamp}-shown`;
  const { token, id } = await put({ value: canary, metadata: { name: `shown ${stamp}` } });
  const reveal = async () => {
    await button('Show the value').click();
    await field('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.shown-value');
    assert.equal(await page.textContent('.shown-value'), canary);
  };
  const hidden = async () => {
    await page.waitForSelector('.shown-value', { state: 'detached' });
    await assertNowhere(canary, token);
  };
  await page.clock.install();
  await openSecret(id);
  await reveal();
  assert.match(await page.textContent('[role=timer]'), /Hidden in (30|29|28) seconds/);
  await page.clock.fastForward(12_000);
  await page.waitForFunction(() => /Hidden in 1\d seconds/.test(document.querySelector('[role=timer]')?.textContent ?? ''));
  await button('Longer').click();
  await page.waitForFunction(() => /Hidden in (30|29) seconds/.test(document.querySelector('[role=timer]')?.textContent ?? ''));
  await button('Hide now').click();
  await hidden();
  await page.waitForFunction(() => document.activeElement?.textContent === 'Show the value');
  await reveal();
  await page.clock.fastForward(31_000);
  await hidden();
  await reveal();
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    delete document.visibilityState;
  });
  await hidden();
  await page.click('.parts a:has-text("Audit")');
  await page.click('.side a:has-text("Vault")');
  await openSecret(id);
  await page.click('.back');
  await page.goBack();
  await page.waitForSelector('main .facts');
  await reveal();
  await page.goBack();
  await hidden();
});

test('it is copied without being shown', async () => {
  const canary = `canary-${stamp}-copied`;
  const { token, id } = await put({ value: canary });
  await openSecret(id);
  await button('Show the value').click();
  await field('Token').fill(token);
  await button('Copy without showing').click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), canary);
  assert.equal(await page.locator('.shown-value').count(), 0);
  await assertNowhere(canary, token);
});

test('a wrong password opens nothing, and too many say how long to wait', async () => {
  const canary = `canary-${stamp}-locked`;
  const { token, id } = await put({ value: canary, password: PASSWORD });
  const other = await put({ value: 'of another secret' });
  await openSecret(id);
  await button('Show the value').click();
  await field('Token').fill(other.token);
  await field('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=dialog] >> text=the token of another secret');
  await field('Token').fill(token);
  await field('Password').fill('not the right one');
  for (let i = 0; i < 12; i++) {
    const answer = page.waitForResponse('**/tokens/read');
    await button('Show the value').last().click();
    const status = (await answer).status();
    await page.waitForSelector('.problem');
    if (status === 429) break;
  }
  await page.waitForSelector('.problem:has-text("Too many attempts. Try again in")');
  assert.equal(await page.locator('.shown-value').count(), 0);
  await page.keyboard.press('Escape');
  forgive(403, 429);
  await assertNowhere(canary, token, 'not the right one');
});

test('a limited secret says what reading costs, and is used up', async () => {
  const { token, id } = await put({ value: `canary-${stamp}-twice`, maxReads: 2 });
  await page.goto(`${base}/vault`);
  await button('Read a secret').click();
  await field('Token').fill(token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=dialog] >> text=This uses one of 2 reads');
  assert.equal(await page.locator('.shown-value').count(), 0, 'it asks first');
  await button('Use one read and show it').click();
  await page.waitForSelector('[role=dialog] >> text=It can be read once more');
  await button('Hide now').click();
  await openSecret(id);
  await button('Show the value').click();
  await page.waitForSelector('[role=dialog] >> text=the value is gone for good');
  await field('Token').fill(token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.shown-value');
  await button('Hide now').click();
  await page.waitForSelector('main >> text=All its reads are used up');
  assert.equal(await button('Show the value').count(), 0);
});

test('expiry, metadata, value and password are changed, versions rolled back and destroyed', async () => {
  const { token, id } = await put({ value: `first-${stamp}`, metadata: { name: `changing ${stamp}` } });
  await openSecret(id);
  await button('Renew').click();
  await page.getByRole('combobox', { name: 'Expires' }).click();
  await page.click('[role=option]:visible:has-text("In 7 days")');
  await dialog.getByRole('button', { name: 'Renew' }).click();
  await page.waitForSelector('.facts dd:has-text("in 7 days")');
  // A day without its time is no expiry, and does not mean that there is none.
  await button('Renew').click();
  await page.getByRole('combobox', { name: 'Expires' }).click();
  await page.click('[role=option]:visible:has-text("At an exact time")');
  const exactly = dialog.getByLabel('Exactly');
  await exactly.focus();
  await page.keyboard.type('12242031');
  await dialog.getByRole('button', { name: 'Renew' }).click();
  await page.waitForSelector('[role=dialog] >> text=Fill in every part of it');
  assert.ok(await exactly.evaluate((one) => one === document.activeElement && one.getAttribute('aria-invalid') === 'true'), 'refused where it stands');
  await assertAccessible(page, 'an expiry that is filled in by half');
  const { expiresAt } = await api(page, 'GET', `/api/vault/tokens/${id}`);
  assert.ok(Date.parse(expiresAt) - Date.now() < 8 * 86_400_000, 'nothing was sent');
  await page.keyboard.type('12242031');
  await page.keyboard.press('Tab');
  await page.keyboard.type('0600PM');
  await dialog.getByRole('button', { name: 'Renew' }).click();
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  assert.equal((await api(page, 'GET', `/api/vault/tokens/${id}`)).expiresAt.slice(0, 4), '2031');
  await button('Edit metadata').click();
  await dialog.getByRole('button', { name: 'Metadata', exact: true }).click();
  await field('Metadata name 2').fill('app');
  await field('Metadata text 2').fill('shop');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.waitForSelector('main >> text=app: shop');
  await button('New value').click();
  await field('Token').fill(token);
  await field('Value').fill(`second-${stamp}`);
  await button('Store the new value').click();
  await page.waitForSelector('tr[data-version="2"] >> text=newest');
  await button('Make version 1 the newest').click();
  await dialog.getByRole('button', { name: 'Make newest' }).click();
  await page.waitForSelector('tr[data-version="3"] >> text=newest');
  assert.equal((await api(page, 'POST', '/api/vault/tokens/read', { token })).value, `first-${stamp}`);
  await button('Destroy version 2').click();
  await field('Type 2 to confirm').fill('2');
  await dialog.getByRole('button', { name: 'Destroy' }).click();
  await page.waitForSelector('tr[data-version="2"] >> text=destroyed');
  await button('Change password').click();
  await field('Token').fill(token);
  await field('New password').fill(PASSWORD);
  await field('New password again').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Change' }).click();
  await page.waitForSelector('.facts div:has(dt:text-is("Password")) >> text=yes');
  await button('Change password').click();
  await field('Token').fill(token);
  await page.getByText('Take it away').first().click();
  await field('Present password').fill('not this one either');
  await dialog.getByRole('button', { name: 'Take it away' }).click();
  await page.waitForSelector('.problem');
  await field('Present password').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Take it away' }).click();
  await page.waitForSelector('.facts div:has(dt:text-is("Password")) >> text=no');
  await page.waitForSelector('table.audit >> text=password changed');
  forgive(403);
  await assertNowhere(token, PASSWORD, `first-${stamp}`, `second-${stamp}`);
});

test('secrets are filtered, deleted together, restored, and deleted for good after typing', async () => {
  const app = `bulk-${stamp}`;
  for (let i = 0; i < 3; i++) await put({ value: 'x', metadata: { name: `${app} ${i}`, app } });
  await page.goto(`${base}/vault`);
  await button('More filters').click();
  await page.getByLabel('Metadata name').fill('app');
  await page.getByLabel('Metadata text').fill(app);
  await page.waitForSelector('main [role=status]:has-text("3 secrets")');
  await page.getByLabel('Select all that are shown').check();
  await page.locator('.trash-tools').getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.waitForSelector('text=No secret matches');
  await page.getByRole('combobox', { name: 'State' }).click();
  await page.getByRole('option', { name: 'Deleted', exact: true }).click();
  await page.waitForSelector('main [role=status]:has-text("3 secrets")');
  await page.getByLabel(`Select ${app} 0`).check();
  await button('Restore').click();
  await page.waitForSelector('main [role=status]:has-text("2 secrets")');
  await page.getByLabel('Select all that are shown').check();
  await button('Delete for good').click();
  const forGood = dialog.getByRole('button', { name: 'Delete for good' });
  assert.equal(await forGood.isDisabled(), true);
  await field('Type 2 secrets to confirm').fill('2 secrets');
  await forGood.click();
  await page.waitForSelector('text=No secret matches');
  const found = await api(page, 'GET', `/api/vault/tokens?state=all&metadata.app=${app}`);
  assert.deepEqual(found.secrets.map((one) => one.status), ['live']);
});

test('a long list goes on page by page, in the chosen order', async () => {
  const app = `many-${stamp}`;
  for (let i = 0; i < 55; i++) await put({ value: 'x', metadata: { name: `${app} ${String(i).padStart(2, '0')}`, app } });
  await page.goto(`${base}/vault`);
  await button('More filters').click();
  await page.getByLabel('Metadata name').fill('app');
  await page.getByLabel('Metadata text').fill(app);
  await page.waitForSelector('main [role=status]:has-text("50 of 55 secrets")');
  await button('Show more').click();
  await page.waitForSelector('main [role=status]:has-text("55 secrets"):not(:has-text("of 55"))');
  assert.equal(await page.locator('.secrets tbody tr').count(), 55);
  assert.match(await page.locator('.secrets tbody tr').first().textContent(), / 54/);
  await page.getByRole('combobox', { name: 'Order' }).click();
  await page.getByRole('option', { name: 'Oldest first' }).click();
  await page.waitForSelector('.secrets tbody tr:first-child:has-text(" 00")');
});

test('a value is handed over once, and who comes second is told', async () => {
  const canary = `canary-${stamp}-over`;
  await page.goto(`${base}/vault`);
  const menu = async (item) => {
    await button('More to do with tokens').click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  await menu('Hand a value over');
  await field('Value').fill(canary);
  await button('Wrap').click();
  const token = (await page.textContent('.token-once')).trim();
  await button('I have saved it').click();
  await assertNowhere(canary, token);
  await menu('Take what was handed over');
  await field('Token').fill(token);
  await button('Look first').click();
  await page.waitForSelector('[role=dialog] >> text=It is still there.');
  await button('Take it').click();
  await page.waitForSelector('.shown-value');
  assert.equal(await page.textContent('.shown-value'), canary);
  await button('Hide now').click();
  await menu('Take what was handed over');
  await field('Token').fill(token);
  await button('Take it').click();
  await page.waitForSelector('.problem');
  await button('Look first').click();
  await page.waitForSelector('[role=dialog] >> text=It was taken, or its time is over.');
  await page.keyboard.press('Escape');
  await assertNowhere(canary, token);
});

test('the audit is verified, a data key is made, and root keys are named', async () => {
  await page.goto(`${base}/vault/audit`);
  await page.waitForSelector('table.audit tr[data-op="create"]');
  assert.ok((await page.locator('table.audit tr[data-outcome="ok"]').count()) > 0);
  await button('Verify').click();
  await page.waitForSelector('.report[data-sound="true"]');
  await page.click('.parts a:has-text("Keys")');
  await page.waitForSelector('.data-keys tr[data-kid]');
  const before = await page.locator('.data-keys tr[data-kid]').count();
  await button('Make a new key').click();
  await dialog.getByRole('button', { name: 'Make a new key' }).click();
  await page.waitForFunction((many) => document.querySelectorAll('.data-keys tr[data-kid]').length > many, before);
  assert.match(await page.textContent('.roots tbody'), /[0-9a-f]{16}.*yes/);
});

test('hostile texts in metadata and values are shown as text', async () => {
  const evil = '<img src=x onerror=alert(1)>"><script>alert(1)</script>\u202etxt';
  const { token, id } = await put({ value: evil, metadata: { name: evil, '<b>': evil } });
  await page.goto(`${base}/vault`);
  await page.waitForSelector('table.secrets');
  await openSecret(id);
  assert.equal((await page.textContent('main h2')).trim(), evil);
  await button('Show the value').click();
  await field('Token').fill(token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.shown-value');
  assert.equal(await page.textContent('.shown-value'), evil);
  await button('Hide now').click();
  await button('Delete').click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.waitForSelector('main >> text=This secret is deleted');
  assert.equal(await page.locator('main img, main script, [role=dialog] img').count(), 0);
});

test('nothing of all this left an error or broke the content policy', async () => {
  await assertClean(session);
});
