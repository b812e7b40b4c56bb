// Records that mean one thing: found, compared, merged as chosen, taken back, kept apart, merged all at once; by mouse and by keyboard alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, base, launch, makeTable, openTable, recordsOf, signedIn, signedInForAll } from './support.mjs';

const FIRST = ['Anna', 'Bruno', 'Clara', 'David', 'Élodie', 'Felix', 'Greta', 'Henrik', 'Ines', 'Jonas', 'Katinka', 'Lorenzo', 'Wilma', 'Nikolai', 'Ophelia', 'Pascal', 'Ursula'];
const LAST = ['Abernathy', 'Björkman', 'Castellano', 'Dvořák', 'Eisenhower', 'Fitzgerald', 'Grünwald', 'Hernández', 'Ivanova', 'Jørgensen', 'Kowalski', 'Lindqvist', 'Montgomery', 'Nakamura', 'Okonkwo', 'Petrescu', 'Quinlan', 'Rasmussen', 'Szymański'];
const TOWNS = ['Aarhus', 'Bologna', 'Cork', 'Dresden', 'Eindhoven', 'Freiburg', 'Göteborg'];
const HOSTILE = '<img src=x onerror=alert(1)>';

const plain = (words) => words.normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/ø/g, 'o').replace(/ł/g, 'l');

/** People of different names, and what becomes of some of them who are written down twice. */
const people = Array.from({ length: 260 }, (_, i) => {
  const name = `${FIRST[i % FIRST.length]} ${LAST[i % LAST.length]}`;
  return {
    name,
    email: `${plain(name).toLowerCase().replace(' ', '.')}@example.com`,
    phone: `+44 20 7${String((i * 7919 + 1234567) % 1000000).padStart(6, '0')}`,
    town: TOWNS[(i * 5) % 7],
    notes: `Met ${i}`,
  };
});
const WAYS = [
  (one) => ({ ...one, name: one.name.slice(0, 4) + one.name.slice(5) }),
  (one) => ({ ...one, name: plain(one.name).toUpperCase(), email: null }),
  (one) => ({ ...one, name: one.name.split(' ').reverse().join(' '), phone: null }),
  (one) => ({ ...one, name: one.name.slice(0, -3) + one.name.at(-2) + one.name.at(-3) + one.name.at(-1), email: one.email.replace('example', 'exmaple') }),
];
const twice = Array.from({ length: 40 }, (_, i) => ({ is: people[i * 6], written: { ...WAYS[i % 4](people[i * 6]), notes: `Copy ${i}` } }));
const hostile = { name: HOSTILE, email: 'evil@example.com', phone: '+44 20 7000001', town: '"><script>alert(1)</script>', notes: `${HOSTILE} a` };

const session = await signedInForAll();
const { page } = session;

async function makePeople() {
  const table = await api(page, 'POST', '/api/tables', {
    name: `People ${process.pid} ${Date.now()}`,
    columns: [
      { name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true },
      { name: 'E-mail', slug: 'email', fieldType: 'email' },
      { name: 'Phone', slug: 'phone', fieldType: 'phone' },
      { name: 'Town', slug: 'town', fieldType: 'text' },
      { name: 'Tags', slug: 'tags', fieldType: 'multiSelect', options: [{ name: 'Friend' }, { name: 'Member' }] },
      { name: 'Notes', slug: 'notes', fieldType: 'longText' },
      { name: 'Card', slug: 'card', fieldType: 'text', encrypted: { mask: 'last4' } },
      { name: 'Entered', slug: 'entered', fieldType: 'createdTime' },
    ],
  });
  const [friend, member] = (await api(page, 'GET', `/api/tables/${table.slug}?include=columns`)).columns.find((column) => column.slug === 'tags').options;
  const first = { ...people[0], tags: [friend.id], card: '4111111111111111' };
  await api(page, 'POST', `/api/tables/${table.slug}/records/bulk`, { records: [first, ...people.slice(1)] });
  const copies = twice.map(({ written }, i) => (i === 0 ? { ...written, tags: [member.id], card: '5500005555555559' } : written));
  await api(page, 'POST', `/api/tables/${table.slug}/records/bulk`, { records: [...copies, hostile, { ...hostile, notes: `${HOSTILE} b` }] });
  return { ...table, friend, member };
}

const table = await makePeople();
const path = `${base}/t/${table.slug}/duplicates`;
const named = async (name) => recordsOf(page, table.slug, { filter: { column: 'name', operator: 'eq', value: name } });
const current = () => page.locator('.dup-group[aria-current]');
const found = () => page.waitForSelector('.dup-panes');
const toastUndo = () => page.locator('.toast button:has-text("Undo")').last().click();
const lineOf = (name) => page.locator('.dup-group', { has: page.locator(`.dup-names span:text-is(${JSON.stringify(name)})`) });
/** The field of that name, side by side. */
const row = (name) => page.locator('.dup-table tbody tr', { has: page.locator(`th:has-text("${name}")`) });

test('one click in the table’s menu and one more find who is written down twice', async () => {
  await openTable(page, table.slug);
  await page.click('.toolbar button[aria-label="Import, export and more"]');
  await page.click('[role=menuitem]:has-text("Duplicates")');
  await page.waitForSelector('.dup-form');
  const ticked = await page.locator('.dup-columns input[type=checkbox]:checked').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
  assert.deepEqual(ticked, ['Compare Name', 'Compare E-mail', 'Compare Phone', 'Compare Town']);
  assert.ok(await page.isDisabled('[aria-label="Compare Card"]'));
  await page.waitForSelector('text=Encrypted without an index');
  assert.ok(await page.isDisabled('[aria-label="Compare Entered"]'));
  await page.click('button:has-text("Find duplicates")');
  await found();
  const find = new URL(page.url()).searchParams.get('find');
  const { groups } = await api(page, 'GET', `/api/tables/${table.slug}/duplicates/finds/${find}?limit=1000`);
  const together = ({ is, written }) => groups.some((group) => [is.name, written.name].every((name) => group.records.some((record) => record.data.name === name)));
  const missed = twice.filter((one) => !together(one));
  assert.ok(missed.length <= 1, JSON.stringify(missed));
  const scores = (await page.locator('.dup-score').allTextContents()).map((score) => Number.parseInt(score, 10));
  assert.deepEqual(scores, [...scores].sort((a, b) => b - a), 'those most alike come first');
  assert.equal(await page.locator('.dup-group').count(), groups.length);
});

test('a search is in the address, so it is there again after a reload', async () => {
  const first = await current().textContent();
  await page.keyboard.press('j');
  await page.waitForFunction((was) => document.querySelector('.dup-group[aria-current]').textContent !== was, first);
  const second = await current().textContent();
  await page.reload();
  await found();
  assert.equal(await current().textContent(), second);
  await page.keyboard.press('k');
  assert.equal(await current().textContent(), first);
});

test('of hostile strings nothing runs where they are listed and compared', async () => {
  await lineOf(HOSTILE).click();
  await page.waitForSelector('.dup-record');
  assert.equal(await page.locator('.dup-record a').first().textContent(), HOSTILE);
  assert.equal(await page.locator('main img, main script').count(), 0);
  await assertClean(session);
});

test('values are chosen column by column, the preview is the server’s, and the merge does just that', async () => {
  const [{ is, written }] = twice;
  await lineOf(written.name).click();
  await page.waitForSelector(`.dup-record a:text-is("${written.name}")`);
  assert.match(await row('Name').textContent(), /\d\d % alike/);
  assert.equal(await row('Name').locator('mark').count() > 0, true, 'what differs is marked');
  await row('Name').locator('input[type=radio]').nth(1).check();
  await row('Notes').getByLabel('Notes: join all of them').check();
  await row('Tags').getByLabel('Tags: all entries of all').check();
  await row('Card').locator('input[type=radio]').nth(1).check();
  const merged = (name) => row(name).locator('.dup-merged');
  await merged('Notes').locator('.dup-value').getByText('Met 0; Copy 0').waitFor();
  assert.match(await merged('Tags').textContent(), /Friend.*Member/);
  assert.match(await merged('Card').textContent(), /5559/);
  await page.waitForFunction((name) => [...document.querySelectorAll('.dup-table tbody tr')].find((one) => one.querySelector('th').textContent.includes('Name'))?.querySelector('.dup-merged')?.textContent.includes(name), written.name);
  await page.getByRole('switch').press('Space');
  assert.equal(await row('Town').count(), 0);
  await page.getByRole('switch').press('Space');
  const behind = await page.locator('.dup-group[aria-current]').evaluate((one) => one.closest('li').nextElementSibling.querySelector('.dup-names').textContent);
  await page.click('button:has-text("Merge 2 records")');
  await page.waitForSelector('.toast:has-text("2 records became one")');
  assert.equal(await current().locator('.dup-names').textContent(), behind, 'the group behind it is next');
  const [left, ...more] = await named(written.name);
  assert.equal(more.length, 0);
  assert.deepEqual(await named(is.name), []);
  assert.equal(left.data.notes, 'Met 0; Copy 0');
  assert.deepEqual([...left.data.tags].sort(), [table.friend.id, table.member.id].sort());
  assert.match(left.data.card, /5559$/);
  assert.equal(await lineOf(written.name).count(), 0);
});

test('Undo takes the merge back as a unit, and the group is there again', async () => {
  const [{ is, written }] = twice;
  await toastUndo();
  await page.waitForSelector('.toast:has-text("as before")');
  await lineOf(written.name).waitFor();
  assert.equal((await named(is.name)).length, 1);
  assert.equal((await named(written.name)).length, 1);
  assert.match(await current().textContent(), new RegExp(written.name));
});

test('another record stays if it is chosen, and one that is none of them is left out', async () => {
  const { is, written } = twice[1];
  await lineOf(written.name).click();
  await page.waitForSelector(`.dup-record a:text-is("${written.name}")`);
  assert.equal(await page.locator('.dup-record[data-stays] a').textContent(), is.name, 'the fullest is suggested');
  await page.getByLabel(`${written.name} stays`).check();
  await row('E-mail').locator('.dup-merged').getByText(is.email).waitFor();
  await page.getByLabel(`${is.name} is one of them`).uncheck();
  await page.waitForSelector('text=Tick at least two records');
  assert.ok(await page.isDisabled('.dup-actions button:has-text("Merge")'));
  await page.getByLabel(`${is.name} is one of them`).check();
  await page.click('button:has-text("Merge 2 records")');
  await page.waitForSelector(`.toast:has-text("became one: ${written.name}")`);
  const [left] = await named(written.name);
  assert.equal(left.data.email, is.email, 'a blank takes what the other has');
  await toastUndo();
  await lineOf(written.name).waitFor();
});

test('what is said to be no duplicate is remembered, listed and taken back', async () => {
  const { written } = twice[2];
  await lineOf(written.name).click();
  await page.waitForSelector(`.dup-record a:text-is("${written.name}")`);
  await page.click('.dup-actions button:has-text("Not duplicates")');
  await page.waitForSelector('.toast:has-text("no duplicates")');
  await lineOf(written.name).waitFor({ state: 'detached' });
  await page.reload();
  await found();
  assert.equal(await lineOf(written.name).count(), 0);
  await page.click('button:has-text("Not duplicates (1)")');
  await page.waitForSelector(`.dup-ignored li:has-text("${written.name}")`);
  await assertAccessible(page, 'what was said to be no duplicates');
  await page.click('.dup-ignored button:has-text("Take back")');
  await page.waitForSelector('text=Nothing was said');
  await page.keyboard.press('Escape');
  await lineOf(written.name).waitFor();
});

test('the list shows only what is alike enough', async () => {
  const before = await page.locator('.dup-group').count();
  await page.fill('[aria-label^="Show groups that are alike"]', '99');
  await page.waitForFunction((was) => document.querySelectorAll('.dup-group').length < was, before);
  const scores = (await page.locator('.dup-score').allTextContents()).map((score) => Number.parseInt(score, 10));
  assert.ok(scores.length > 0 && scores.every((score) => score >= 99));
  await page.fill('[aria-label^="Show groups that are alike"]', '0');
  await page.waitForFunction((was) => document.querySelectorAll('.dup-group').length === was, before);
});

test('what somebody else does to the records is shown', async () => {
  const { written } = twice[4];
  await lineOf(written.name).click();
  await page.waitForSelector(`.dup-record a:text-is("${written.name}")`);
  const [record] = await named(written.name);
  await api(page, 'PATCH', `/api/tables/${table.slug}/records/${record.id}`, { data: { town: 'Elsewhere' } });
  await row('Town').getByText('Elsewhere', { exact: true }).first().waitFor();
});

test('by keyboard alone: gone to, found, chosen, merged, taken back', async () => {
  await page.goto(`${base}/t/${table.slug}`);
  await page.waitForSelector('.row [data-col="0"]:not(:has(.ghost))');
  await page.keyboard.press('Control+k');
  await page.waitForSelector('.palette input');
  await page.keyboard.type('duplicates');
  await page.waitForSelector('.palette li[aria-selected=true]:has-text("Duplicates")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.dup-form');
  const tabTo = async (selector) => {
    for (let i = 0; i < 200; i++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
    }
    assert.fail(`no way by Tab to ${selector}`);
  };
  await page.focus('main');
  await tabTo('[aria-label="How alike Name must be"]');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.inputValue('[aria-label="How alike Name must be, in percent"]'), '86 %');
  await tabTo('button[type=submit]');
  await page.keyboard.press('Enter');
  await found();
  await page.waitForSelector('.dup-record');
  const { is, written } = twice[5];
  for (let i = 0; i < 60 && !(await current().textContent()).includes(written.name); i++) await page.keyboard.press('j');
  await page.waitForSelector(`.dup-record a:text-is("${written.name}")`);
  await page.focus('#dup-compare-title');
  await tabTo('input[name=dup-name]');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), `Name: take that of ${written.name}`);
  await tabTo('.dup-actions button');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.toast:has-text("2 records became one")');
  await page.waitForFunction(() => document.activeElement?.id === 'dup-compare-title');
  assert.equal((await named(is.name)).length, 0);
  await page.focus('.toast button:has-text("Undo")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.toast:has-text("as before")');
  assert.equal((await named(is.name)).length, 1);
});

test('mistakes are told: no column, nothing found, a search that is forgotten', async () => {
  await page.goto(path);
  await page.waitForSelector('.dup-form');
  for (const name of ['Name', 'E-mail', 'Phone', 'Town']) await page.uncheck(`[aria-label="Compare ${name}"]`);
  await page.click('button:has-text("Find duplicates")');
  await page.waitForSelector('[role=alert]:has-text("Tick at least one column")');
  await page.check('[aria-label="Compare Notes"]');
  await page.selectOption('[aria-label="How Notes is compared"]', 'exact');
  await page.click('button:has-text("Find duplicates")');
  await page.waitForSelector('text=No duplicates found');
  await page.goto(`${path}?find=01980000-0000-7000-8000-000000000000&by=${encodeURIComponent(JSON.stringify({ columns: [{ column: 'name', compare: 'fuzzy', similarity: 0.9 }, { column: 'gone', compare: 'exact' }] }))}`);
  await page.waitForSelector('text=This search is forgotten');
  await assertAccessible(page, 'a search that is forgotten');
  await page.click('.blank button:has-text("Search again")');
  await found();
  await page.waitForSelector('text=Compared by Name (90 %)');
  await page.goto(`${path}?by=nonsense`);
  await page.waitForSelector('.dup-form [aria-label="Compare Name"]:checked');
});

test('a long search shows how far it is, and is called off', async () => {
  let state = 'running';
  const asIfLong = async (route) => {
    const method = route.request().method();
    if (method === 'DELETE') {
      state = 'cancelled';
      return route.continue();
    }
    const answer = await route.fetch();
    const body = await answer.json();
    return route.fulfill({ response: answer, json: { ...body, groups: [], find: { ...body.find, state, phase: 'comparing', done: 30, total: 120 } } });
  };
  await page.route('**/duplicates/find', asIfLong);
  await page.route('**/duplicates/finds/*', asIfLong);
  await page.route('**/duplicates/finds/*?*', asIfLong);
  await page.goto(path);
  await page.click('button:has-text("Find duplicates")');
  await page.waitForSelector('[role=status]:has-text("30 of 120")');
  await assertAccessible(page, 'a search that goes on');
  await page.click('button:has-text("Call off")');
  await page.waitForSelector('text=The search was called off');
  await page.unrouteAll({ behavior: 'wait' });
});

test('all groups that are alike enough are merged by a rule, each to be taken back alone', async () => {
  await page.goto(path);
  await page.click('button:has-text("Find duplicates")');
  await found();
  const before = (await api(page, 'GET', `/api/tables/${table.slug}/stats`)).records;
  await page.click('button:has-text("Merge all")');
  await page.getByLabel('Alike by at least, in percent', { exact: true }).fill('98');
  await page.click('[role=dialog] label:has-text("the oldest record")');
  await page.waitForSelector('[role=dialog] [role=status]:has-text("would become")');
  await assertAccessible(page, 'merge all');
  const said = await page.textContent('[role=dialog] button:has-text("Merge")');
  const groups = Number.parseInt(said.replace(/\D/g, ''), 10);
  assert.ok(groups > 5, said);
  // One of them cannot be merged any more: somebody deletes a record of it meanwhile.
  const { is } = twice[8];
  const [gone] = await named(is.name);
  await api(page, 'DELETE', `/api/tables/${table.slug}/records/${gone.id}`);
  await page.click('[role=dialog] button:has-text("Merge")');
  await page.waitForSelector(`[role=dialog] :text("${groups - 1} groups merged")`);
  await page.waitForSelector('[role=dialog] :text("1 group could not be merged")');
  await assertAccessible(page, 'what came of merging all');
  const after = (await api(page, 'GET', `/api/tables/${table.slug}/stats`)).records;
  assert.ok(after <= before - groups, `${before} records became ${after}`);
  await page.click('[role=dialog] a:has-text("activity page")');
  await page.waitForSelector('.activity tr:has-text("merge") button:has-text("Undo")');
  await page.locator('.activity tr:has-text("merge") button:has-text("Undo")').first().click();
  await page.click('[role=dialog] button:has-text("Undo")');
  await page.waitForSelector('.toast:has-text("as before")');
});

test('whoever may not write sees the groups and is told why they cannot be merged', async () => {
  const email = `looker-${process.pid}@example.com`;
  const password = 'a password for looking';
  await api(page, 'POST', '/api/users', { email, name: 'Lou Looker', role: 'viewer', password });
  const visitor = await launch();
  try {
    await visitor.page.goto(`${base}/`);
    await visitor.page.fill('input[name=email]', email);
    await visitor.page.fill('input[name=password]', password);
    await visitor.page.click('button[type=submit]');
    await visitor.page.waitForSelector('.card');
    await visitor.page.goto(path);
    await visitor.page.click('button:has-text("Find duplicates")');
    await visitor.page.waitForSelector('.dup-record');
    await visitor.page.waitForSelector('text=You may look, but not merge');
    assert.equal(await visitor.page.locator('main button:has-text("Merge"), .dup-actions, .dup-table input').count(), 0);
    await assertAccessible(visitor.page, 'duplicates for a viewer');
    await assertClean(visitor);
  } finally {
    await visitor.browser.close();
  }
});

for (const colorScheme of ['light', 'dark']) {
  test(`the form and the groups are accessible in ${colorScheme}`, async () => {
    const own = await signedIn({ colorScheme });
    try {
      for (const width of [1280, 800]) {
        await own.page.setViewportSize({ width, height: 820 });
        await own.page.goto(path);
        await own.page.waitForSelector('.dup-form');
        await own.page.click('summary');
        await assertAccessible(own.page, `what is compared, ${width} wide`);
        await own.page.click('button:has-text("Find duplicates")');
        await own.page.waitForSelector('.dup-record');
        await own.page.waitForSelector('.dup-merged .dup-value');
        await assertAccessible(own.page, `groups, ${width} wide`);
        const wider = await own.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
        assert.equal(wider, false, `nothing reaches beyond ${width} px`);
      }
      await assertClean(own);
    } finally {
      await own.browser.close();
    }
  });
}

test('where what is compared does not tell records apart, it is said before anything is merged', async () => {
  const many = await makeTable(page, 0);
  const record = (_, i) => ({ name: i < 25 ? 'Dallas' : `Airport ${i}` });
  await api(page, 'POST', `/api/tables/${many.slug}/records/bulk`, { records: Array.from({ length: 30 }, record) });
  await page.goto(`${base}/t/${many.slug}/duplicates`);
  await page.click('button:has-text("Find duplicates")');
  await found();
  await page.waitForSelector('.warning:has-text("One group has 25 records: what is compared does not tell records apart.")');
  await assertAccessible(page, 'a group that is too large');
});

test('when the last group is merged with all others, what was done is still said', async () => {
  const few = await makeTable(page, 0);
  await api(page, 'POST', `/api/tables/${few.slug}/records/bulk`, { records: ['Ann', 'Ann', 'Bo', 'Bo'].map((name) => ({ name })) });
  await page.goto(`${base}/t/${few.slug}/duplicates`);
  await page.click('button:has-text("Find duplicates")');
  await found();
  await page.click('button:has-text("Merge all")');
  await page.click('[role=dialog] button:has-text("Merge 2 groups")');
  await page.waitForSelector('main >> text=Nothing is left to do');
  await page.waitForSelector('[role=dialog] :text("2 groups merged: 2 records fewer")');
  await page.click('[role=dialog] button:has-text("Take all of them back")');
  await page.waitForSelector('[role=dialog] :text("2 merges taken back: the records are as before.")');
  assert.equal((await recordsOf(page, few.slug)).length, 4);
  await page.click('[role=dialog] button:has-text("Close")');
  await page.waitForSelector('[role=status]:has-text("2 groups were found among 4 records")');
});

test('nothing of all this was an error', () => assertClean(session));
