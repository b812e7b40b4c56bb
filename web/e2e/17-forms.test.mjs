// Forms: made by mouse and by keyboard, switched on, filled in by somebody who never signed in, refused where they are wrong, closed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { api, assertAccessible, assertClean, base, launch, recordsOf, scriptBytes, signedIn, signedInForAll } from './support.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>';

const session = await signedInForAll();
const { page } = session;
const outside = await launch();
after(() => outside.browser.close());
const stranger = outside.page;
const asked = [];
stranger.on('request', (request) => asked.push(request));

const table = await api(page, 'POST', '/api/tables', {
  name: `Wishes ${process.pid}`,
  columns: [
    { name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true, validation: { required: true, maxLength: 40 } },
    { name: 'Story', slug: 'story', fieldType: 'longText' },
    { name: 'Guests', slug: 'guests', fieldType: 'number', validation: { max: 12 } },
    { name: 'Vegan', slug: 'vegan', fieldType: 'boolean' },
    { name: 'Day', slug: 'day', fieldType: 'date' },
    { name: 'Moment', slug: 'moment', fieldType: 'dateTime' },
    { name: 'Time', slug: 'time', fieldType: 'time' },
    { name: 'Stay', slug: 'stay', fieldType: 'duration' },
    { name: 'Budget', slug: 'budget', fieldType: 'currency' },
    { name: 'Share', slug: 'share', fieldType: 'percent' },
    { name: 'Stars', slug: 'stars', fieldType: 'rating' },
    { name: 'Room', slug: 'room', fieldType: 'select', options: [{ name: 'Hall' }, { name: 'Garden' }] },
    { name: 'Needs', slug: 'needs', fieldType: 'multiSelect', options: [{ name: 'Ramp' }, { name: 'Loop' }] },
    { name: 'Mail', slug: 'mail', fieldType: 'email' },
    { name: 'Site', slug: 'site', fieldType: 'url' },
    { name: 'Phone', slug: 'phone', fieldType: 'phone' },
    { name: 'Ticket', slug: 'ticket', fieldType: 'barcode' },
    { name: 'Owner', slug: 'owner', fieldType: 'user' },
    { name: 'Number', slug: 'number', fieldType: 'autoNumber' },
  ],
});
const path = `${base}/t/${table.slug}/forms`;
const formOf = async () => (await api(page, 'GET', `/api/tables/${table.slug}/forms`)).forms[0];
const labels = () => page.locator('.form-preview .mantine-InputWrapper-label, .form-preview legend').allTextContents();
const field = (slug) => stranger.locator(`#field-${slug}`);

test('the table’s menu leads to its forms, and a new one asks for all that strangers can fill in', async () => {
  await page.goto(`${base}/t/${table.slug}`);
  await page.waitForSelector('text=No records yet');
  await page.click('.toolbar button[aria-label="Import, export and more"]');
  await page.click('[role=menuitem]:has-text("Forms")');
  await page.waitForSelector('text=No forms yet');
  await assertAccessible(page, 'no forms yet');
  await page.click('.blank a:has-text("New form")');
  await page.waitForSelector('.form-field-list li');
  assert.equal(await page.locator('.form-field-list li').count(), 17);
  await page.waitForSelector('text=Strangers cannot fill in: Owner, Number.');
  assert.ok(await page.isDisabled('[aria-label="Name must be filled in"]'), 'what the column requires is required');
  await assertAccessible(page, 'a new form');
});

test('fields are put in order by arrows and by drag, named, explained, left out and taken again', async () => {
  await page.focus('[aria-label="Move Story up"]');
  await page.keyboard.press('Enter');
  assert.equal((await labels())[0], 'Story');
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Move Story down');
  await page.keyboard.press('Enter');
  assert.match((await labels())[0], /^Name/);
  const li = (slug) => page.locator(`.form-field-list li[data-field=${slug}]`);
  await li('day').locator('.grip').dragTo(li('story'));
  assert.match((await labels()).slice(0, 3).join(' '), /Name.*Day.*Story/);
  await page.fill('[aria-label="Label of Guests"]', 'How many are you?');
  await page.fill('[aria-label="Help for Guests"]', 'Twelve at most.');
  await page.check('[aria-label="Mail must be filled in"]');
  assert.ok((await labels()).some((label) => label.startsWith('How many are you?')));
  await page.waitForSelector('.form-preview >> text=Twelve at most.');
  await page.click('[aria-label="Do not ask for Ticket"]');
  await page.waitForFunction(() => document.activeElement?.getAttribute('data-take') === 'ticket');
  assert.ok(!(await labels()).includes('Ticket'));
  await page.keyboard.press('Enter');
  assert.equal((await labels()).at(-1), 'Ticket');
});

test('mistakes are told where they are: no name, no field, a column that must be asked for', async () => {
  await page.fill('.form-edit input >> nth=0', '');
  await page.click('button:has-text("Make form")');
  await page.waitForSelector('.form-edit .mantine-InputWrapper-error');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-invalid')), 'true');
  await page.fill('.form-edit input >> nth=0', 'Your wishes');
  await page.click('[aria-label="Do not ask for Name"]');
  await page.click('button:has-text("Make form")');
  await page.waitForSelector('.form-asked [role=alert]:has-text("name")');
  await assertAccessible(page, 'a form that was refused');
  await page.click('[data-take=name]');
  for (let i = 0; i < 16; i++) await page.click('[aria-label="Move Name up"]');
  await page.getByLabel('Description').fill(`Tell us.\n${HOSTILE}`);
  await page.getByLabel('Thanks').fill('We will be in touch.');
});

test('what is not saved is asked about: by a link, by Back and by Ctrl+K', async () => {
  const asks = async () => {
    await page.waitForSelector('[role=dialog]:has-text("Leave without saving?")');
    await page.click('[role=dialog] button:has-text("Keep editing")');
    await page.waitForSelector('[role=dialog]', { state: 'detached' });
    assert.equal(await page.inputValue('.form-edit input >> nth=0'), 'Your wishes');
    assert.equal(page.url(), `${path}/new`);
  };
  await page.click('a.back');
  await asks();
  await page.goBack();
  await asks();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('activity');
  await page.waitForSelector('.palette li[aria-selected=true]:has-text("Activity")');
  await page.keyboard.press('Enter');
  await asks();
  await page.click('button:has-text("Make form")');
  await page.waitForSelector('.toast:has-text("The form is made")');
  await page.waitForSelector('.form-link');
  assert.equal(page.url(), `${path}/${(await formOf()).id}`);
});

test('it is out of reach until the table takes forms in, which is said and can be put right there', async () => {
  const form = await formOf();
  await stranger.goto(`${base}${form.path}`);
  await stranger.waitForSelector('h1:has-text("This form is not here")');
  await assertAccessible(stranger, 'a form that is not there');
  await page.waitForSelector('.form-link :text("switched off")');
  await assertAccessible(page, 'a form that nobody reaches');
  await page.click('.form-link button:has-text("Switch on")');
  await page.waitForSelector('.form-link .warning', { state: 'detached' });
  await page.click('.form-link button:has-text("Copy")');
  await page.waitForSelector('.toast:has-text("Link copied")');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${base}${form.path}`);
});

test('a stranger sees the form, and loads nothing of the application', async () => {
  asked.length = 0;
  const bytes = await scriptBytes(stranger, async () => {
    await stranger.reload();
    await stranger.waitForSelector('h1:has-text("Your wishes")');
  });
  assert.equal(await stranger.title(), 'Your wishes');
  await stranger.waitForSelector(`text=${HOSTILE}`);
  const urls = asked.map((request) => new URL(request.url()).pathname);
  assert.deepEqual(urls.filter((url) => url.startsWith('/api/')), [`/api/forms/${table.id}/${(await formOf()).id}`]);
  assert.deepEqual(urls.filter((url) => /app\.js|Shell|TablePage/.test(url)), []);
  assert.ok(bytes > 50_000 && bytes < 260_000, `${bytes} bytes of scripts`);
});

test('what is wrong stands at its field, all of it at once, and nothing that was typed is lost', async () => {
  await field('guests').fill('many');
  await field('site').fill('not a site');
  await stranger.click('button:has-text("Send")');
  await stranger.waitForSelector('[role=alert]:has-text("another look") a:has-text("Mail")');
  await field('mail').fill('sam@example.com');
  await stranger.click('button:has-text("Send")');
  await stranger.waitForSelector('[role=alert]:has-text("3 fields need another look")');
  for (const slug of ['name', 'guests', 'site']) assert.equal(await field(slug).getAttribute('aria-invalid'), 'true', slug);
  assert.equal(await stranger.evaluate(() => document.activeElement?.id), 'field-name');
  assert.equal(await field('guests').inputValue(), 'many');
  await assertAccessible(stranger, 'a form with mistakes');
  await stranger.click('[role=alert] a:has-text("How many")');
  assert.equal(await stranger.evaluate(() => document.activeElement?.id), 'field-guests');
  assert.equal((await recordsOf(page, table.slug)).length, 0);
});

test('by keyboard alone every kind of field is filled in and sent', async () => {
  const tabTo = async (selector) => {
    for (let i = 0; i < 60; i++) {
      await stranger.keyboard.press('Tab');
      if (await stranger.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
    }
    assert.fail(`no way by Tab to ${selector}`);
  };
  const type = async (slug, words) => {
    await tabTo(`#field-${slug}`);
    await stranger.keyboard.press('Control+a');
    await stranger.keyboard.type(words);
  };
  // A person sees the option before the key that takes it; the list marks one a moment after the key that asks for it.
  const choose = async (slug, words) => {
    await tabTo(`#field-${slug}`);
    await stranger.keyboard.type(words);
    await stranger.waitForSelector(`[role=option]:has-text("${words}")`);
    await stranger.keyboard.press('ArrowDown');
    await stranger.waitForSelector(`[role=option][data-combobox-selected]:has-text("${words}")`);
    await stranger.keyboard.press('Enter');
  };
  await stranger.locator('h1').click();
  await type('name', HOSTILE);
  await tabTo('#field-day');
  await stranger.keyboard.type('12242026');
  await type('story', 'Once.\nTwice.');
  await type('guests', '7');
  await tabTo('#field-vegan');
  await stranger.keyboard.press('Space');
  await tabTo('#field-moment');
  await stranger.keyboard.type('12242026');
  await tabTo('#field-time');
  await stranger.keyboard.type('0630PM');
  await type('stay', '1h 30m');
  await type('budget', '250.50');
  await type('share', '15');
  await tabTo('#field-stars input');
  await stranger.keyboard.press('ArrowRight');
  await stranger.keyboard.press('Space');
  await choose('room', 'Gar');
  await choose('needs', 'Lo');
  await type('mail', 'sam@example.com');
  await type('site', 'https://example.com/');
  await type('phone', '+44 20 7946 0000');
  await type('ticket', '4006381333931');
  await tabTo('button[type=submit]');
  await stranger.keyboard.press('Enter');
  // A moment without its time is no moment: it is not left out, but asked for.
  await stranger.waitForSelector('text=Fill in every part of it, or clear it.');
  assert.equal(await stranger.evaluate(() => document.activeElement?.id), 'field-moment');
  assert.equal((await recordsOf(page, table.slug)).length, 0);
  await stranger.keyboard.type('12242026');
  await stranger.keyboard.press('Tab');
  await stranger.keyboard.type('0600PM');
  await tabTo('button[type=submit]');
  await stranger.keyboard.press('Enter');
  await stranger.waitForSelector('text=We will be in touch.');
  await stranger.waitForFunction(() => document.activeElement?.tagName === 'H1');
  await assertAccessible(stranger, 'thanks');
  const [record] = await recordsOf(page, table.slug, { includeDisplay: true });
  const { data } = record;
  assert.deepEqual([data.name, data.day, data.guests, data.vegan, data.mail], [HOSTILE, '2026-12-24', 7, true, 'sam@example.com']);
  assert.equal(data.story, 'Once.\nTwice.');
  assert.ok(data.stars >= 1);
  assert.equal(data.needs.length, 1);
  const filled = ['room', 'moment', 'time', 'stay', 'budget', 'share', 'phone', 'ticket'];
  assert.deepEqual(filled.filter((slug) => data[slug] === null || data[slug] === undefined), []);
  assert.equal(record.metadata.source, 'form');
  await stranger.click('button:has-text("Send another")');
  await stranger.waitForFunction(() => document.activeElement?.id === 'field-name');
  assert.equal(await field('name').inputValue(), '');
});

test('what the server is too busy for, and what it did not answer, is said; what was typed stays', async () => {
  await field('name').fill('Kept');
  await stranger.route('**/api/forms/**', (route) =>
    route.fulfill({ status: 429, headers: { 'retry-after': '42', 'content-type': 'application/problem+json' }, body: JSON.stringify({ code: 'tooManyRequests', detail: 'Too many.', status: 429 }) }),
  );
  await stranger.click('button:has-text("Send")');
  await stranger.waitForSelector('[role=alert]:has-text("Try again in 42 seconds")');
  await stranger.unrouteAll();
  assert.equal(await field('name').inputValue(), 'Kept');
});

test('a form that is closed meanwhile says so, and is gone after that', async () => {
  await page.focus('.form-edit input[role=switch]');
  await page.keyboard.press('Space');
  await page.waitForSelector('text=Not saved yet');
  await page.keyboard.press('Control+Enter');
  await page.waitForSelector('.toast:has-text("The form was saved")');
  await page.waitForSelector('.form-link :text("it is closed")');
  await stranger.click('button:has-text("Send")');
  await stranger.waitForSelector('[role=alert]:has-text("closed meanwhile")');
  assert.equal(await field('name').inputValue(), 'Kept');
  await stranger.reload();
  await stranger.waitForSelector('h1:has-text("This form is not here")');
});

test('gone to by Ctrl+K, forms are listed, switched off and deleted', async () => {
  await page.goto(`${base}/t/${table.slug}`);
  await page.waitForSelector('.row [data-col="0"]:not(:has(.ghost))');
  await page.keyboard.press('Control+k');
  await page.waitForSelector('.palette input');
  await page.keyboard.type('forms');
  await page.waitForSelector('.palette li[aria-selected=true]:has-text("Forms")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.form-list tr:has-text("closed")');
  await assertAccessible(page, 'the list of forms');
  await page.getByLabel('Take in what strangers send').focus();
  await page.keyboard.press('Space');
  await page.waitForSelector('.toast:has-text("No form of this table")');
  await page.click('[aria-label="Delete Your wishes"]');
  await page.click('[role=dialog] button:has-text("Delete form")');
  await page.waitForSelector('text=No forms yet');
  await page.goto(`${path}/01980000-0000-7000-8000-000000000000`);
  await page.waitForSelector('h1:has-text("This form is not here any more")');
});

test('both faces are accessible in light and dark, from 1280 px to a phone', async () => {
  await api(page, 'PATCH', `/api/tables/${table.slug}`, { settings: { enableForm: true } });
  const fields = ['name', 'story', 'guests', 'vegan', 'day', 'stars', 'room', 'needs', 'mail'].map((column) => ({ column, help: 'Some help.' }));
  const form = await api(page, 'POST', `/api/tables/${table.slug}/forms`, { name: 'Wishes of all kinds', description: 'Tell us.', fields });
  for (const colorScheme of ['light', 'dark']) {
    const own = await signedIn({ colorScheme });
    try {
      for (const [width, where] of [[1280, form.path], [800, form.path], [360, form.path], [1280, `/t/${table.slug}/forms/${form.id}`], [800, `/t/${table.slug}/forms/${form.id}`], [360, `/t/${table.slug}/forms`]]) {
        await own.page.setViewportSize({ width, height: 760 });
        await own.page.goto(base + where);
        await own.page.waitForSelector('.form-fields, .form-list');
        if (where === form.path) {
          await own.page.click('button:has-text("Send")');
          await own.page.waitForSelector('[role=alert]');
        }
        await assertAccessible(own.page, `${where}, ${width} wide, ${colorScheme}`);
        const wider = await own.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
        assert.equal(wider, false, `${where}: nothing reaches beyond ${width} px`);
        if (process.env.SHOTS) await own.page.screenshot({ path: `${process.env.SHOTS}/${where.startsWith('/f') ? 'public' : where.endsWith('forms') ? 'list' : 'builder'}-${width}-${colorScheme}.png`, fullPage: true });
      }
      await assertClean(own);
    } finally {
      await own.browser.close();
    }
  }
});

test('nothing of all this was an error', async () => {
  await assertClean(session);
  await assertClean(outside);
});
