// Every page in every state: with something in it, empty, failing, unreachable, slow, and for somebody who may see next to nothing. Each has one
// heading, says something, leads on, and is accessible in both schemes. What the pages do stands in the other files.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { everyPage, NOT_HERE, settled } from './pages.mjs';
import { api, assertAccessible, assertClean, base, launch, signedInForAll } from './support.mjs';

/** So long a server is waited for that is slow; what is shown meanwhile is looked at before. */
const SLOW_MS = 3_000;
const PASSWORD = 'a password for looking';
/** What a page that fails may be refused with; all else would be its own fault. */
const PROVOKED = /status of (403|500)|ERR_FAILED/;

const session = await signedInForAll();
const { page } = session;
const { table, bare, at, byRoute, paths } = await everyPage(page);

/** These show what needs nothing of the server. */
const STILL = ['/new', '/new?from=file', '/vault/nothing', '/settings/metrics', '/settings/backup', '/settings/keyboard', '/settings/nothing', '/nowhere'];

/** One heading, a name of the browser's tab, nothing wider than the window, and something to press or follow that is not in the navigation. */
async function assertWhole(on, where, leadsOn = true) {
  const seen = await on.evaluate(() => ({
    headings: [...document.querySelectorAll('h1')].map((one) => one.textContent.trim()),
    title: document.title,
    wide: document.documentElement.scrollWidth - innerWidth,
    ways: [...document.querySelectorAll('main a, main button, main input, main select, [role=dialog] button')].filter((one) => !one.disabled).length,
  }));
  assert.equal(seen.headings.length, 1, `${where}: headings ${JSON.stringify(seen.headings)}`);
  assert.ok(seen.headings[0].length > 0, `${where}: an empty heading`);
  assert.match(seen.title, /Chancery$/, `${where}: the name of the tab`);
  assert.ok(seen.wide <= 0, `${where}: ${seen.wide} px wider than the window`);
  if (leadsOn) assert.ok(seen.ways > 0, `${where}: a dead end`);
}

async function accessibleInBoth(on, where) {
  for (const colorScheme of ['dark', 'light']) {
    await on.emulateMedia({ colorScheme });
    await on.waitForSelector(`html[data-mantine-color-scheme=${colorScheme}]`);
    await assertAccessible(on, `${where}, ${colorScheme}`);
  }
}

const provoked = (faults) => faults.splice(0).filter((one) => !PROVOKED.test(one));

/** Goes to all of them, by two pages at a time: most of it is waiting. */
async function visit(state, all, prepare, look) {
  const second = await session.context.newPage();
  const said = [];
  second.on('pageerror', (error) => said.push(`uncaught: ${error}`));
  second.on('console', (message) => message.type() === 'error' && !/status of 4|status of 500|ERR_FAILED/.test(message.text()) && said.push(message.text()));
  const waiting = [...all];
  const work = async (on) => {
    await prepare(on);
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      await on.goto(`${base}${path}`);
      await look(on, `${path}, ${state}`, path);
    }
    await on.unrouteAll({ behavior: 'ignoreErrors' });
  };
  try {
    await Promise.all([work(page), work(second)]);
  } finally {
    await second.close();
  }
  assert.deepEqual(said, [], `${state}: console errors`);
  assert.deepEqual(provoked(session.faults), [], `${state}: console errors`);
}

const nothing = async () => {};
const problem = (status, code) => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({ type: '/', title: code, status, code, detail: 'Something failed here.', requestId: 'req-of-the-test' }),
});

test('every route is looked at here', () => {
  const source = readFileSync(new URL('../src/app.tsx', import.meta.url), 'utf8');
  const routes = [...source.matchAll(/<Route path="([^"]+)"/g)].map(([, path]) => path);
  assert.ok(routes.length > 15);
  assert.deepEqual(routes.filter((path) => !byRoute[path] && !NOT_HERE.includes(path)), []);
});

test('with something in it, also in a narrow window', async () => {
  await page.setViewportSize({ width: 800, height: 800 });
  await visit('full', paths, nothing, async (on, where) => {
    await settled(on);
    await assertWhole(on, where);
  });
  await page.setViewportSize({ width: 1400, height: 860 });
});

test('empty', async () => {
  const none = { body: JSON.stringify({ operations: [], apiKeys: [], webhooks: [], imports: [], jobs: [], tables: [], records: [], pagination: { hasMore: false, limit: 50 } }), contentType: 'application/json' };
  const empty = ['/', '/trash', '/activity', '/webhooks', '/keys', '/jobs'];
  const own = ['', '/columns', '/duplicates', '/forms', '/trash'].map((part) => `/t/${bare.slug}${part}`);
  const lists = /\/api\/(tables|operations|api-keys|webhooks|imports|jobs)(\?|$)/;
  await visit('empty', [...empty, ...own], (on) => on.route(lists, (route) => route.fulfill(none)), async (on, where) => {
    await settled(on);
    await assertWhole(on, where, !where.includes('trash') && !where.includes('activity'));
    await accessibleInBoth(on, where);
  });
});

test('failing: what failed is named and can be tried again', async () => {
  await visit('failing', paths, (on) => on.route(/\/api\/(?!auth\/|health)/, (route) => route.fulfill(problem(500, 'internal'))), async (on, where, path) => {
    await settled(on);
    await assertWhole(on, where);
    if (STILL.includes(path)) return;
    await on.waitForSelector('[role=alert]:has-text("req-of-the-test") button:has-text("Try again")');
    assert.equal(await on.locator('[role=alert]:has-text("req-of-the-test")').count(), path === '/jobs' ? 2 : 1, `${where}: said once`);
    await accessibleInBoth(on, where);
  });
});

test('unreachable, and slow', async () => {
  const some = ['/', at, `${at}/forms`, '/activity', '/webhooks', '/settings'];
  await visit('unreachable', some, (on) => on.route(/\/api\/(?!auth\/)/, (route) => route.abort()), async (on, where) => {
    await on.waitForSelector('main >> text=The server cannot be reached');
    await settled(on);
    await assertWhole(on, where);
  });
  const late = async (route) => {
    await new Promise((done) => setTimeout(done, SLOW_MS));
    await route.continue().catch(() => undefined);
  };
  await visit('slow', some, (on) => on.route(/\/api\/(?!auth\/|health)/, late), async (on) => {
    // Somebody who waits sees that something comes, and that it is heard.
    await on.waitForSelector('main [role=status][aria-label=Loading] .mantine-Skeleton-root');
  });
});

test('for a guest who may read one table', async () => {
  const email = `guest-of-states-${process.pid}@example.com`;
  await api(page, 'POST', '/api/users', { email, name: 'Gus Guest', role: 'guest', password: PASSWORD, grants: [{ table: table.id, scope: 'read' }] });
  const guest = await launch();
  after(() => guest.browser.close());
  const on = guest.page;
  await on.goto(`${base}/`);
  await on.fill('input[name=email]', email);
  await on.fill('input[name=password]', PASSWORD);
  await on.click('button[type=submit]');
  await on.waitForSelector('.shell');
  for (const path of paths) {
    await on.goto(`${base}${path}`);
    await settled(on);
    await assertWhole(on, `${path}, for a guest`, false);
    if (!STILL.includes(path)) await assertAccessible(on, `${path}, for a guest`);
  }
  await on.goto(`${base}/t/${bare.slug}`);
  await on.waitForSelector('text=be closed to you');
  await on.click('main a:has-text("All tables")');
  await on.waitForSelector('h1:has-text("Tables")');
  assert.equal(await on.locator('main >> text=Something failed').count(), 0);
  await assertClean(guest);
});
