// The keyboard alone: every page is gone through by Tab, what opens takes the focus and gives it back, and every task is done without a mouse.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { calm, focused, goRound, hands, openAndClose, watchKeys } from './keys.mjs';
import { everyPage, settled } from './pages.mjs';
import { account, api, assertClean, base, launch, makeTable, recordsOf, shows, signedInForAll } from './support.mjs';

/** Small enough for what sticks to an edge to be in the way. */
const LARGE = { width: 1280, height: 720 };
const SMALL = { width: 800, height: 460 };

const session = await signedInForAll();
const { page } = session;
await watchKeys(session.context);
const { paths, table, at, secret, webhook } = await everyPage(page);
await page.goto(`${base}/nowhere`);

const stamp = `${process.pid}`;
const person = await launch({ acceptDownloads: true });
after(() => person.browser.close());
const me = person.page;
await watchKeys(person.context);
// Before the page is loaded, so that it knows them.
const named = (name, rows) => makeTable(page, rows, { name: `${name} ${stamp}` });
const [work, one, into, twice] = [await named('Apples', 12), await named('Berries', 3), await named('Cherries', 0), await named('Damsons', 0)];
const kept = await makeTable(page, 0, { name: `Elders ${stamp}`, columns: [{ name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true }, { name: 'Paper', slug: 'paper', fieldType: 'file' }] });

/** To another page as a link would, which is sooner than loading all of it. */
async function go(path) {
  await page.evaluate((to) => {
    history.pushState(null, '', to);
    dispatchEvent(new PopStateEvent('popstate'));
  }, path);
  await page.waitForFunction((to) => location.pathname + location.search === to, path);
  await settled(page);
  await calm(page);
}

test('going round finds what is put there to be found', async () => {
  await go('/nowhere');
  await page.evaluate(() => {
    const put = (name, change) => {
      const one = Object.assign(document.createElement('button'), { textContent: name, id: `planted-${name}` });
      document.querySelector('main').append(one);
      change(one);
    };
    put('Skipped', (one) => one.setAttribute('tabindex', '-1'));
    put('Plain', (one) => Object.assign(one.style, { outline: 'none' }));
    put('Early', (one) => one.setAttribute('tabindex', '3'));
    put('Away', (one) => Object.assign(one.style, { position: 'fixed', left: '-500px' }));
    put('Under', (one) => Object.assign(one.style, { position: 'fixed', right: '0', bottom: '0' }));
    put('Over', (one) => Object.assign(one.style, { position: 'fixed', right: '0', bottom: '0', width: '300px', height: '60px' }));
  });
  const { faults } = await goRound(page, 'what was planted');
  for (const [name, said] of [['Skipped', 'out of reach'], ['Plain', 'looks the same'], ['Early', 'a place of its own'], ['Away', 'outside of the window'], ['Under', 'is covered by']]) {
    assert.ok(faults.some((one) => one.includes(`“${name}”`) && one.includes(said)), `${name}, among ${JSON.stringify(faults)}`);
  }
  assert.equal(faults.length, 5, JSON.stringify(faults));
  await page.evaluate(() => {
    const [early] = [...document.querySelectorAll('[id^=planted]')];
    early.addEventListener('keydown', (event) => event.preventDefault());
    early.setAttribute('tabindex', '0');
  });
  await assert.rejects(goRound(page, 'a trap'), /do not lead round/);
  await page.reload();
});

async function thereAndBack(path) {
  await page.setViewportSize(LARGE);
  await go(path);
  const within = path.includes('/r/') ? '[role=dialog]' : 'body';
  const there = await goRound(page, path, { within });
  await page.setViewportSize(SMALL);
  const back = await goRound(page, `${path}, back`, { within, back: true });
  return [...there.faults, ...back.faults.map((one) => `small: ${one}`)];
}

test('Tab comes to all there is on every page, in sight and with a sign of it, there and back', async () => {
  const faults = {};
  for (const path of paths) {
    const found = await thereAndBack(path);
    if (found.length > 0) faults[path] = found;
  }
  assert.deepEqual(faults, {});
});

/** What is opened on each page, by the words on its button or the key in its grid, and by entries of menus. */
const grid = `Records of ${table.name}`;
const more = 'More to do with tokens';
const OPENED = {
  '/': [
    ['Go to … Ctrl K'], ['Colour theme'], ['Help and keyboard'], ['Account of Ada Admin'], ['Account of Ada Admin', 'Change your password'],
    [`Menu of ${table.name}`], [`Menu of ${table.name}`, 'Delete table'],
  ],
  [at]: [
    ['Views'], ['Fields'], ['Filter'], ['Sort'], ['Group'], ['Import, export and more'], ['Import, export and more', 'Export'],
    [[grid, 'Alt+ArrowDown']], [[grid, 'Alt+ArrowDown'], 'Edit column'], [[grid, 'Alt+ArrowDown'], 'Values…'], [[grid, 'Alt+ArrowDown'], 'Set width'],
    [[grid, 'Alt+ArrowDown'], 'Change type…'], [[grid, 'Shift+F10']], [[grid, 'Space']], [[grid, 'Shift+Enter']],
  ],
  [`${at}/columns`]: [
    ['Add column'], ['Edit Amount'], ['Edit Stage'], ['More about Stage'], ['More about Amount', 'Change type…'], ['More about Amount', 'Values…'], ['More about Stage', 'Merge options…'], ['Delete Amount'],
  ],
  [`${at}/settings`]: [['Delete table']],
  [`${at}/duplicates`]: [['Not duplicates (0)']],
  [`${at}/forms`]: [['Delete A form']],
  '/trash': [['Delete for good: Thrown away']],
  '/activity': [['Undo']],
  '/vault': [[more], [more, 'Take what was handed over'], [more, 'Hand a value over'], [more, 'New value by token'], [more, 'Other password by token'], [more, 'Delete what is expired'], ['Read a secret'], ['New secret']],
  '/vault/keys': [['Make a new key'], ['Move everything to it']],
  '/vault/jobs': [['Start a job']],
  [`/vault/s/${secret.id}`]: [['Show the value'], ['New value'], ['Change password'], ['Hand over'], ['Renew'], ['Delete'], ['Edit metadata']],
  '/keys': [['Create API key'], ['Revoke A key']],
  '/users': [['Add user'], ['Menu of Ada Admin'], ['Menu of Ada Admin', 'Change name or role']],
  '/webhooks': [['Add webhook']],
  [`/webhooks/${webhook.id}`]: [['Send again from…'], ['More about this webhook'], ['More about this webhook', 'Change'], ['More about this webhook', 'Delete']],
  '/settings/workspaces': [['Add workspace'], ['Menu of Default'], ['Menu of Default', 'Change the workspace']],
};

test('what opens takes the focus in and gives it back; each entry of a menu and all of a dialog is come to', async () => {
  await page.setViewportSize(LARGE);
  const faults = [];
  // Of the table that is there: what was done to others, which are gone for good, cannot be taken back.
  await page.route(/\/api\/operations(\?|$)/, (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set('table', table.slug);
    return route.continue({ url: url.href });
  });
  for (const [path, all] of Object.entries(OPENED)) {
    await go(path);
    for (const ways of all) {
      const found = await openAndClose(page, path, ways).catch(async (cause) => {
        await page.goto(`${base}${path}`);
        await settled(page);
        return [cause.message];
      });
      faults.push(...found);
    }
  }
  await page.unrouteAll();
  assert.deepEqual(faults, []);
});

// Tasks, by somebody who has no mouse.
const { press, type, tabTo, enter, entry, option, fill, goTo, part, dialog } = hands(me);
const toast = (words) => me.waitForSelector(`.toast:has-text("${words}")`);
const there = (path) => me.waitForFunction((wanted) => location.pathname.startsWith(wanted), path);
const names = async (slug) => (await recordsOf(page, slug)).map((record) => record.data.name);
const close = async () => {
  await press('Escape');
  await dialog(false);
};
const inGrid = async (one) => {
  await goTo(one.name);
  await me.waitForSelector(`[role=grid][aria-label="Records of ${one.name}"] .cell:not(:has(.ghost))`);
  await part('.grid');
};
/** Sends away what is said below, so that the next message is the only one. */
const hush = async () => {
  while ((await me.locator('.toast').count()) > 0) {
    const before = await me.locator('.toast').count();
    await part('.toasts');
    await enter('Dismiss');
    await me.waitForFunction((many) => document.querySelectorAll('.toast').length < many, before);
  }
};
/** After one that failed the next begins anew. */
const task = (name, run) =>
  test(name, () =>
    run().catch(async (cause) => {
      await me.goto(`${base}/`);
      await me.waitForSelector('.shell');
      throw cause;
    }),
  );

task('signing in', async () => {
  await me.goto(`${base}/`);
  await me.waitForSelector('input[name=password]');
  assert.deepEqual((await goRound(me, 'signing in')).faults, []);
  await fill('E-mail', account.email);
  await fill('Password', account.password);
  await enter('Show or hide the password');
  assert.equal(await me.getAttribute('input[name=password]', 'type'), 'text');
  await enter('Sign in');
  await me.waitForSelector('.shell');
});

task('a table is made, and its settings are changed', async () => {
  await goTo('new table', 'New table');
  await me.waitForSelector('main h1:has-text("New table")');
  await fill(/^Name/, `By keys ${stamp}`);
  await fill('Name of column 2', 'Story');
  await option('Type of column 2', 'Long text');
  await enter('Create table');
  await me.waitForSelector('.toolbar');
  await part('.toolbar');
  await enter('Import, export and more');
  await entry('Rename, settings');
  await fill('Description', 'Made without a mouse');
  await enter('Save');
  await toast('saved');
  const made = (await api(page, 'GET', '/api/tables')).tables.find((one) => one.name === `By keys ${stamp}`);
  assert.equal(made.description, 'Made without a mouse');
});

task('what takes the place of a row of a list takes the focus', async () => {
  await inGrid(one);
  await press('Control+Shift+F');
  await dialog();
  await enter('Condition');
  await enter('Condition');
  await enter('Remove condition', 'Shift+Tab');
  const at = (words, rows) => me.waitForFunction(([name, many]) => globalThis.keys.name(document.activeElement) === name && document.querySelectorAll('.filter-row').length === many, [words, rows]);
  await at('Remove condition', 1);
  await press('Enter');
  await at('Condition', 0);
  await close();
});

task('a grid that is read anew has the focus again', async () => {
  await inGrid(one);
  await press('Control+Shift+F');
  await dialog();
  await enter('Condition');
  await fill('Value for Name', 'Row');
  await close();
  await me.waitForFunction(() => location.search.includes('Row'));
  await part('.grid');
  await press('Alt+ArrowDown');
  await entry('Sort descending');
  await shows(me, 0, 0, 'Row 0003');
  assert.equal(await focused(me), `Records of ${one.name}`);
});

task('records are added in the form, found by a filter, sorted, grouped, and that is kept as a view', async () => {
  await inGrid(work);
  await press('Shift+Enter');
  await dialog();
  assert.match(await focused(me), /^Name/);
  await type('Row 0000');
  await press('Control+Enter');
  await dialog(false);
  await press('Control+Shift+F');
  await dialog();
  await enter('Condition');
  await option('Field', 'Amount');
  await option('Operator', /^(greater than|is more than|>)/);
  await fill('Value for Amount', '3');
  await close();
  await me.waitForSelector('.toolbar-count:has-text("8")');
  await part('.grid');
  await press('Control+Shift+S');
  await dialog();
  await enter('Sort key');
  await option('Sort field 1', 'Amount');
  await tabTo('Ascending');
  await press('ArrowRight');
  await close();
  await shows(me, 0, 0, 'Row 0012');
  await part('.grid');
  await press('Control+Shift+G');
  await dialog();
  await option('Group by', 'Done');
  await close();
  await me.waitForSelector('.group-line');
  await part('.toolbar');
  await enter('Views');
  await dialog();
  await fill('Keep what is shown as', 'Mine');
  await press('Enter');
  await toast('The view is kept');
  await close();
});

task('columns are put in another order, and one field is set in all records', async () => {
  await goTo(work.name);
  await part('.toolbar');
  await enter('Views');
  await dialog();
  await close();
  await part('.grid');
  await press('Home', 'ArrowRight', 'Alt+Shift+ArrowRight');
  await me.waitForFunction(() => document.querySelector('.head-cell[data-col="2"]')?.textContent.startsWith('Amount'));
  await press('Control+a', 'Shift+Space');
  await me.waitForSelector('.bulk');
  await part('.bulk');
  await enter('Set a field');
  await dialog();
  await option('Field', 'Mail');
  await fill('Value', 'all@example.com');
  await enter('Set');
  await dialog(false);
  const { records } = await api(page, 'GET', `/api/tables/${work.slug}/records`);
  assert.equal(records.filter((one) => one.data.mail === 'all@example.com').length, 8);
  await part('.bulk');
  await enter('Clear selection');
  await me.waitForFunction(() => document.activeElement?.matches('.grid'));
});

task('a record is deleted, taken back in the activity; another comes out of the trash', async () => {
  await inGrid(one);
  await press('Shift+F10');
  await entry('Delete record');
  await shows(me, 0, 0, 'Row 0002');
  await goTo('activity', 'Activity');
  await me.waitForSelector('main td button:has-text("Undo")');
  // The message about it has an Undo as well.
  await part('.page');
  await enter('Undo');
  await dialog();
  await enter('Undo');
  await dialog(false);
  assert.equal((await names(one.slug)).length, 3);
  const [record] = await recordsOf(page, one.slug);
  await api(page, 'DELETE', `/api/tables/${one.slug}/records/${record.id}`);
  await inGrid(one);
  await goTo(`${one.name}: Trash`);
  await there(`/t/${one.slug}/trash`);
  await me.waitForSelector('.trash-tools');
  await tabTo('Select row 1');
  await press('Space');
  await enter('Restore', 'Shift+Tab');
  await toast('1 record restored');
  assert.equal((await names(one.slug)).length, 3);
});

task('a file is imported and taken back', async () => {
  await goTo(into.name);
  await there(`/t/${into.slug}`);
  await goTo(`${into.name}: Import`, into.name);
  await there(`/t/${into.slug}/import`);
  const chooser = me.waitForEvent('filechooser');
  await enter('Choose a file');
  await (await chooser).setFiles({ name: 'keys.csv', mimeType: 'text/csv', buffer: Buffer.from('Name,Amount\nOne,1\nTwo,2\n') });
  for (const step of ['preview', 'map']) {
    await me.waitForURL((url) => url.search.includes(`step=${step}`));
    await enter('Next');
  }
  await enter('Check every row');
  await me.waitForSelector('.counts');
  assert.deepEqual((await goRound(me, 'a checked import')).faults, []);
  await enter('Import 2 rows');
  await me.waitForSelector('text=Undo this import');
  assert.equal((await names(into.slug)).length, 2);
  await enter('Undo this import');
  await dialog();
  await enter('Undo');
  await me.waitForSelector('text=Imported, and taken back later');
  assert.deepEqual(await names(into.slug), []);
});

task('duplicates are found and merged; the message about it is come to by F6', async () => {
  await api(page, 'POST', `/api/tables/${twice.slug}/records/bulk`, { records: [{ name: 'Ann Example' }, { name: 'Ann Exmple' }, { name: 'Somebody else' }] });
  await goTo(twice.name);
  await there(`/t/${twice.slug}`);
  await goTo(`${twice.name}: Duplicates`);
  await me.waitForSelector('.dup-form');
  await hush();
  await part('.page');
  await enter('Find duplicates');
  await me.waitForSelector('.dup-record');
  assert.deepEqual((await goRound(me, 'duplicates')).faults, []);
  await enter(/^Merge \d+ records/);
  await toast('2 records became one');
  assert.equal((await names(twice.slug)).length, 2);
  await part('.toasts');
  await enter('Undo');
  await toast('as before');
  assert.equal((await names(twice.slug)).length, 3);
});

task('a form is made and opened', async () => {
  await goTo(work.name);
  await there(`/t/${work.slug}`);
  await goTo(`${work.name}: Forms`);
  await there(`/t/${work.slug}/forms`);
  await me.waitForSelector('main h1');
  await enter('New form');
  await there(`/t/${work.slug}/forms/new`);
  await fill(/^Name/, 'Asked by keys');
  await enter('Do not ask for Amount');
  await enter('Make form');
  await toast('The form is made');
  await enter('Switch on');
  await me.waitForSelector('main a:has-text("Open")');
  const opened = person.context.waitForEvent('page');
  await enter(/^Open( |$)(?!A closed)/);
  const asked = await opened;
  await asked.waitForSelector('text=Asked by keys');
  assert.deepEqual((await goRound(asked, 'a form of strangers')).faults, []);
  await asked.close();
});

task('an API key is made and revoked, a webhook is made', async () => {
  await goTo('API keys');
  await there('/keys');
  await enter('Create API key');
  await dialog();
  await fill(/^Name/, `keys ${stamp}`);
  await press('Enter');
  await me.waitForSelector('.secret');
  await enter('I have saved it');
  await enter(`Revoke keys ${stamp}`);
  await dialog();
  await enter('Revoke');
  await toast('was revoked');
  await goTo('Webhooks');
  await there('/webhooks');
  await enter('Add webhook');
  await dialog();
  await fill(/^Address/, `https://example.com/${stamp}`);
  await press('Enter');
  await me.waitForSelector('.secret');
  await enter('I have saved it');
  await me.waitForSelector(`main a:has-text("https://example.com/${stamp}")`);
});

task('somebody is let in and given a role', async () => {
  await goTo('Users');
  await there('/users');
  await enter('Add user');
  await dialog();
  await fill(/^Name/, `Kay ${stamp}`);
  await fill(/^E-mail/, `kay-${stamp}@example.com`);
  await option(/^Role/, /^Viewer/);
  await enter('Make one up');
  await enter('Add user');
  await me.waitForSelector(`tr[data-user="kay-${stamp}@example.com"] td:text-is("Viewer")`);
  await enter(`Menu of Kay ${stamp}`);
  await entry('Change name or role');
  await dialog();
  await option(/^Role/, /^Editor/);
  await enter('Save');
  await me.waitForSelector(`tr[data-user="kay-${stamp}@example.com"] td:text-is("Editor")`);
});

task('a secret is put away, read, and given another value', async () => {
  await goTo('Vault');
  await there('/vault');
  await enter('New secret');
  await dialog();
  await fill('Value', 'first value');
  await fill('Metadata text 1', `keys ${stamp}`);
  await enter('Put away');
  const token = (await me.textContent('.token-once')).trim();
  await enter('I have saved it');
  await enter(`keys ${stamp}`);
  await me.waitForSelector('main .facts');
  await enter('New value');
  await dialog();
  await fill('Token', token);
  await fill('Value', 'second value');
  await enter('Store the new value');
  await toast('Version 2 is stored');
  await enter('Show the value');
  await dialog();
  await fill('Token', token);
  await enter('Show the value');
  await me.waitForSelector('.shown-value:has-text("second value")');
  await enter('Hide now');
  await close();
});

task('a backup is fetched, a workspace is made and gone to', async () => {
  await goTo('Settings: Backup');
  await there('/settings/backup');
  const download = me.waitForEvent('download');
  await enter('Download a backup');
  assert.match((await download).suggestedFilename(), /\.db$/);
  await goTo('Settings: Workspaces');
  await there('/settings/workspaces');
  await enter('Add workspace');
  await dialog();
  await fill(/^Name/, `Desk ${stamp}`);
  await press('Enter');
  await dialog(false);
  await part('.side');
  await enter(/^Workspace/);
  await entry(`Desk ${stamp}`);
  await me.waitForFunction((wanted) => document.querySelector('.nav-place')?.textContent === wanted, `Desk ${stamp}`);
  await enter(/^Workspace/);
  await entry('Default');
});

task('a file is attached to a record', async () => {
  await api(page, 'POST', `/api/tables/${kept.slug}/records`, { data: { name: 'With a paper' } });
  await inGrid(kept);
  await press('Home', 'ArrowRight', 'Enter');
  await dialog();
  const chooser = me.waitForEvent('filechooser');
  await enter(/^Choose/);
  await (await chooser).setFiles({ name: 'paper.txt', mimeType: 'text/plain', buffer: Buffer.from('words') });
  await me.waitForSelector('.files-list li:has-text("paper.txt") .files-remove');
  await close();
  await shows(me, 0, 1, 'paper.txt');
});

test('nothing of all this left an error or broke the content policy', async () => {
  await assertClean(session);
  await assertClean(person);
});
