// The vault in every state: axe in light and dark, sealed, absent, failing, offline, seen by people with fewer rights, and its jobs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, base, launch, signedIn } from './support.mjs';

const stamp = `${Date.now() % 1_000_000}`;
const put = (page, body) => api(page, 'POST', '/api/vault/tokens', body);

const job = (id, more) => ({
  id, kind: 'rotateKey', params: {}, state: 'running', dryRun: false, seen: 400, total: 1000, done: 400, skipped: 0, failed: 0, conflicts: 0,
  rate: 120, leftMs: 5000, error: null, createdAt: new Date().toISOString(), updatedAt: new Date().toISOString(), createdBy: null, ...more,
});

/** One job of each state, as the server tells them. */
const everyState = [
  job('1'),
  job('2', { state: 'paused', leftMs: null, rate: 0, conflicts: 2 }),
  job('3', { kind: 'changePassword', state: 'waiting', leftMs: null }),
  job('4', { kind: 'verify', state: 'done', seen: 1000, done: 1000 }),
  job('5', { kind: 'purge', state: 'done', dryRun: true, seen: 1000, done: 7, skipped: 993, params: { deletedBefore: '2026-01-01T00:00:00.000Z' } }),
  job('6', { state: 'failed', failed: 3, error: 'The vault was sealed.' }),
  job('7', { state: 'cancelled' }),
];
const listed = (jobs) => ({ jobs, pagination: { hasMore: false, limit: 100 } });

for (const colorScheme of ['light', 'dark']) {
  test(`the vault is accessible in ${colorScheme}, also on a phone`, async (t) => {
    const session = await signedIn({ colorScheme });
    const { page } = session;
    const button = (name) => page.getByRole('button', { name, exact: true });
    try {
      const { token, id } = await put(page, { value: `seen ${stamp}`, maxReads: 9, metadata: { name: `seen ${stamp}`, app: 'shop' } });
      const gone = await put(page, { value: 'x', metadata: { name: `gone ${stamp}` } });
      await api(page, 'DELETE', `/api/vault/tokens/${gone.id}`);
      const open = async (path, wait) => {
        await page.goto(`${base}/vault${path}`);
        await page.waitForSelector(wait);
      };
      const check = (where, prepare) =>
        t.test(where, async () => {
          await prepare();
          await page.waitForTimeout(400);
          await assertAccessible(page, where);
        });
      const all = async () => {
        await check('list', () => open('', 'table.secrets'));
        await check('list with a selection and filters', async () => {
          await page.locator('.secrets tbody input').first().check();
          await button('More filters').click();
        });
        await check('new secret', () => button('New secret').click());
        await check('a secret', () => open(`/s/${id}`, 'main .facts'));
        await check('reading', () => button('Show the value').click());
        await check('a value', async () => {
          await page.getByRole('textbox', { name: 'Token', exact: true }).fill(token);
          await page.keyboard.press('Enter');
          await page.waitForSelector('.shown-value');
        });
        await check('another value', async () => {
          await button('Hide now').click();
          await button('New value').click();
        });
        await check('another password', async () => {
          await page.keyboard.press('Escape');
          await button('Change password').click();
        });
        await check('handing over', async () => {
          await page.keyboard.press('Escape');
          await button('Hand over').click();
        });
        await check('a deleted secret', () => open(`/s/${gone.id}`, 'text=This secret is deleted'));
        await check('audit', async () => {
          await open('/audit', 'table.audit');
          await button('Verify').click();
          await page.waitForSelector('.report');
        });
        await check('keys', () => open('/keys', '.data-keys'));
        await page.route('**/api/jobs', (route) => route.fulfill({ json: listed(everyState) }));
        await check('jobs', () => open('/jobs', '.job'));
        await check('a new job', () => button('Start a job').click());
        await page.unroute('**/api/jobs');
        await check('no such part', () => open('/nothing', 'text=There is no such page'));
      };
      await all();
      await page.setViewportSize({ width: 390, height: 844 });
      await all();
      for (const path of ['', `/s/${id}`, '/audit', '/keys', '/jobs']) {
        await open(path, '.parts');
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, `the width of /vault${path}`);
      }
      await assertClean(session);
    } finally {
      await session.browser.close();
    }
  });
}

test('a sealed vault says which key it waits for, and offers nothing that needs it', async () => {
  const session = await signedIn();
  const { page } = session;
  try {
    await put(page, { value: 'x', metadata: { name: `under seal ${stamp}` } });
    const { roots } = await api(page, 'GET', '/api/vault/status');
    await page.route('**/api/vault/status', (route) => route.fulfill({ json: { sealed: true, roots, keys: [] } }));
    await page.goto(`${base}/vault`);
    await page.waitForSelector('.sealed');
    const said = await page.textContent('.sealed');
    for (const word of [roots[0].fingerprint, 'vault.key', '--vault-key-file', 'CHANCERY_VAULT_KEY', '--vault-passphrase-file', 'docs/security.md']) {
      assert.ok(said.includes(word), word);
    }
    for (const name of ['New secret', 'Read a secret']) {
      assert.equal(await page.getByRole('button', { name, exact: true }).isDisabled(), true, name);
    }
    await page.waitForSelector(`tr:has-text("under seal ${stamp}")`);
    await assertAccessible(page, 'a sealed vault');
    await page.route('**/api/vault/status', (route) => route.fulfill({ json: { sealed: true, roots: [], keys: [] } }));
    await page.goto(`${base}/vault/keys`);
    await page.waitForSelector('.sealed:has-text("This store has no vault yet")');
    await assertAccessible(page, 'no vault');
    await assertClean(session);
  } finally {
    await session.browser.close();
  }
});

test('a failure says so and can be tried again, and so does a lost server', async () => {
  const session = await signedIn();
  const { page } = session;
  try {
    const problem = { status: 500, code: 'internal', title: 'Internal error', detail: 'It broke.', requestId: 'req-7' };
    await put(page, { value: 'x', metadata: { name: `behind a failure ${stamp}` } });
    await page.route('**/api/vault/tokens/query', (route) => route.fulfill({ status: 500, json: problem }));
    await page.goto(`${base}/vault`);
    await page.waitForSelector('main [role=alert]:has-text("req-7")');
    await assertAccessible(page, 'a vault that fails');
    await page.unroute('**/api/vault/tokens/query');
    await page.click('button:has-text("Try again")');
    await page.waitForSelector(`tr:has-text("behind a failure ${stamp}")`);
    await session.context.setOffline(true);
    await page.getByRole('button', { name: 'New secret', exact: true }).click();
    await page.getByRole('textbox', { name: 'Value', exact: true }).fill('kept while offline');
    await page.getByRole('button', { name: 'Put away', exact: true }).click();
    await page.waitForSelector('[role=dialog] .problem:has-text("The server did not answer")');
    assert.equal(await page.getByRole('textbox', { name: 'Value', exact: true }).inputValue(), 'kept while offline');
    await page.waitForSelector('main .notice');
    await session.context.setOffline(false);
    await page.getByRole('button', { name: 'Put away', exact: true }).click();
    await page.waitForSelector('.token-once');
    session.faults.splice(0, Infinity, ...session.faults.filter((one) => !/ERR_INTERNET_DISCONNECTED|status of 500/.test(one)));
    await assertClean(session);
  } finally {
    await session.browser.close();
  }
});

test('people with fewer rights read by token, and see no list', async () => {
  const admin = await signedIn();
  const password = 'a password for people';
  try {
    const { token } = await put(admin.page, { value: `for readers ${stamp}`, password: 'correct horse battery' });
    for (const role of ['viewer', 'editor']) {
      const email = `${role}-${stamp}@example.com`;
      await api(admin.page, 'POST', '/api/users', { email, name: role, role, password });
      const session = await launch();
      const { page } = session;
      try {
        await page.goto(`${base}/`);
        await page.fill('input[name=email]', email);
        await page.fill('input[name=password]', password);
        await page.click('button[type=submit]');
        await page.click('.side a:has-text("Vault")');
        await page.waitForSelector('text=Only admins see which secrets there are');
        assert.equal(await page.getByRole('button', { name: 'New secret' }).count(), role === 'editor' ? 1 : 0);
        assert.equal(await page.locator('.parts').count(), 0);
        await assertAccessible(page, `the vault of a ${role}`);
        const dialog = page.locator('[role=dialog]');
        const field = (name) => dialog.getByRole('textbox', { name, exact: true });
        const refusal = async (shown, secret) => {
          await field('Token').fill(shown);
          await field('Password').fill(secret);
          await page.keyboard.press('Enter');
          await page.waitForSelector('.problem');
          const words = (await page.textContent('.problem > div > div:first-child')).trim();
          await field('Token').fill('');
          return words;
        };
        await page.getByRole('button', { name: 'Read a secret' }).click();
        const wrong = await refusal(token, 'not the right one');
        const missing = await refusal('tk_NOBODYHASTHISTOKEN', 'not the right one');
        assert.equal(wrong, missing, 'a wrong password and no such token are told alike');
        await field('Token').fill(token);
        await field('Password').fill('correct horse battery');
        await page.keyboard.press('Enter');
        await page.waitForSelector('.shown-value');
        assert.equal(await page.textContent('.shown-value'), `for readers ${stamp}`);
        session.faults.splice(0, Infinity, ...session.faults.filter((one) => !one.includes('status of 403')));
        await assertClean(session);
      } finally {
        await session.browser.close();
      }
    }
  } finally {
    await admin.browser.close();
  }
});

test('a job is tried, done for real, paused, resumed and cancelled, with its progress', async () => {
  const session = await signedIn();
  const { page } = session;
  const button = (name) => page.getByRole('button', { name, exact: true });
  const dialog = page.locator('[role=dialog]');
  try {
    for (let i = 0; i < 12; i++) await put(page, { value: `job ${i}`, metadata: { name: `job ${stamp} ${i}` } });
    await page.goto(`${base}/vault/keys`);
    await page.waitForSelector('.data-keys');
    const active = await page.locator('.data-keys tr:has-text("active")').getAttribute('data-kid');
    await page.click('.parts a:has-text("Jobs")');
    await page.waitForSelector('.job, .blank');
    const before = await page.locator('.job[data-state="done"]').count();
    const doneOf = (more) => page.waitForFunction((many) => document.querySelectorAll('.job[data-state="done"]').length === many, before + more);
    await button('Start a job').click();
    assert.equal(await dialog.getByRole('checkbox').isChecked(), true, 'a dry run is what is suggested');
    await button('Try it').click();
    const done = page.locator('.job[data-state="done"]').first();
    await doneOf(1);
    assert.match(await done.textContent(), /dry run.*would be done/);
    assert.ok((await api(page, 'GET', '/api/vault/status')).keys.every((key) => key.kid <= Number(active)), 'nothing was changed');
    await button('Now do it').first().click();
    await button('Start').click();
    await doneOf(2);
    await page.click('.parts a:has-text("Keys")');
    await page.waitForFunction((kid) => document.querySelector('.data-keys tr:has(.pill[data-color="green"])')?.dataset.kid !== kid, active);
    await page.click('.parts a:has-text("Jobs")');
    await button('Start a job').click();
    await dialog.getByRole('combobox', { name: 'What to do' }).click();
    await page.click('[role=option]:visible:has-text("Delete old deleted secrets")');
    const moment = dialog.locator('input[type=datetime-local]');
    await moment.focus();
    await page.keyboard.press('Delete');
    await button('Try it').click();
    await page.waitForSelector('[role=dialog] >> text=Fill in every part of it');
    assert.ok(await moment.evaluate((one) => one === document.activeElement), 'a moment that lost a part is asked for');
    await dialog.getByRole('combobox', { name: 'What to do' }).click();
    await page.click('[role=option]:visible:has-text("Check every secret")');
    await dialog.getByText('How fast').click();
    await dialog.getByRole('textbox', { name: 'Secrets a second, at most' }).fill('1');
    await button('Start').click();
    const running = page.locator('.job[data-state="running"]');
    await running.waitFor();
    await page.waitForFunction(() => /[1-9]\d* of \d+/.test(document.querySelector('.job[data-state="running"] .job-line')?.textContent ?? ''));
    assert.equal(await running.getByRole('progressbar').count(), 1);
    await button('Pause Check').click();
    await page.locator('.job[data-state="paused"]').waitFor();
    await button('Resume Check').click();
    await running.waitFor();
    await button('Cancel Check').click();
    await dialog.getByRole('button', { name: 'Cancel the job' }).click();
    await page.locator('.job[data-state="cancelled"]').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await assertAccessible(page, 'jobs');
    await assertClean(session);
  } finally {
    await session.browser.close();
  }
});

test('a job that waits for its passwords asks for them again', async () => {
  const session = await signedIn();
  const { page } = session;
  try {
    let waiting = job('w', { kind: 'changePassword', state: 'waiting', leftMs: null });
    let sent = null;
    await page.route('**/api/jobs', (route) => route.fulfill({ json: listed([waiting]) }));
    await page.route('**/api/jobs/w/resume', (route) => {
      sent = route.request().postDataJSON();
      waiting = { ...waiting, state: 'done', seen: 1000, done: 1000 };
      return route.fulfill({ json: waiting });
    });
    await page.goto(`${base}/vault/jobs`);
    await page.getByRole('button', { name: 'Resume Change a password' }).click();
    await page.getByRole('textbox', { name: 'Old password', exact: true }).fill('the old password');
    await page.getByRole('textbox', { name: 'New password', exact: true }).fill('the new password');
    await page.getByRole('textbox', { name: 'New password again', exact: true }).fill('the new password');
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.locator('.job[data-state="done"]').waitFor();
    assert.deepEqual(sent, { oldPassword: 'the old password', newPassword: 'the new password' });
    assert.equal((await page.content()).includes('the old password'), false);
    await assertClean(session);
  } finally {
    await session.browser.close();
  }
});
