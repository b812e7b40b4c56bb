// What every end-to-end test needs: a browser, a signed-in page, fixtures through the API, and the gates that must hold.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const base = (process.env.CHANCERY_URL ?? 'http://127.0.0.1:7373').replace(/\/$/, '');
export const account = {
  name: 'Ada Admin',
  email: process.env.CHANCERY_EMAIL ?? 'ada@example.com',
  password: process.env.CHANCERY_PASSWORD ?? 'a long enough password',
};

/** How many times slower than it is the browser's processor is taken to be: what rests on timing fails then. */
const slow = Number(process.env.CHANCERY_SLOW ?? 1);

/** Answers that are part of what a test provokes and not a fault of the page. */
const EXPECTED = /status of 4(01|04|09|10|12|22|29)/;

export async function launch(options = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  const context = await browser.newContext({
    viewport: { width: 1400, height: 860 },
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  if (slow > 1) await (await context.newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: slow });
  const faults = [];
  page.on('console', (message) => {
    const said = message.text();
    if (message.type() === 'error' && !EXPECTED.test(said)) faults.push(said);
  });
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.stack ?? error}`));
  page.on('dialog', (dialog) => {
    if (dialog.type() !== 'beforeunload') faults.push(`a script opened a dialog: ${dialog.message()}`);
    void dialog.accept();
  });
  await page.addInitScript(() => {
    globalThis.cspViolations = [];
    document.addEventListener('securitypolicyviolation', (event) => {
      globalThis.cspViolations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ''}`);
    });
  });
  return { browser, context, page, faults };
}

/** No console error, no uncaught exception, no dialog, no violation of the content policy. */
export async function assertClean({ page, faults }) {
  const violations = await page.evaluate(() => globalThis.cspViolations ?? []);
  assert.deepEqual(violations, [], 'content policy violations');
  assert.deepEqual(faults, [], 'console errors');
}

export async function signIn(page) {
  await page.goto(`${base}/`);
  await page.waitForSelector('input[name=password], .shell');
  if (await page.locator('.shell').count()) return;
  await page.fill('input[name=email]', account.email);
  await page.fill('input[name=password]', account.password);
  await page.click('button[type=submit]');
  await page.waitForSelector('.shell');
}

export async function signedIn(options) {
  const session = await launch(options);
  await signIn(session.page);
  return session;
}

/** How many bytes of compressed scripts a page asks for that nobody has opened before; `go` opens it and waits for it. */
export async function scriptBytes(page, go) {
  const tools = await page.context().newCDPSession(page);
  await tools.send('Network.setCacheDisabled', { cacheDisabled: true });
  await go();
  await page.waitForLoadState('networkidle');
  const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map((one) => [one.name, one.encodedBodySize]));
  await tools.detach();
  return loaded.filter(([name]) => name.endsWith('.js')).reduce((sum, [, size]) => sum + size, 0);
}

/** A signed-in page for all tests of a file. */
export async function signedInForAll() {
  const session = await signedIn();
  after(() => session.browser.close());
  return session;
}

/** Calls the API as the signed-in person. */
export async function api(page, method, path, body) {
  const answer = await page.evaluate(
    async ([verb, url, json]) => {
      const session = await (await fetch('/api/auth/session')).json();
      const response = await fetch(url, {
        method: verb,
        headers: { 'content-type': 'application/json', 'x-csrf-token': session.csrfToken },
        body: json === undefined ? undefined : JSON.stringify(json),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    },
    [method, path, body],
  );
  assert.ok(answer.status < 400, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

let made = 0;

/** A table of its own for a test, with records of the kinds the grid edits. */
export async function makeTable(page, rows = 300, extra = {}) {
  const name = `Test ${process.pid} ${++made}`;
  const table = await api(page, 'POST', '/api/tables', {
    name,
    columns: [
      { name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true, validation: { required: true } },
      { name: 'Amount', slug: 'amount', fieldType: 'number' },
      { name: 'Done', slug: 'done', fieldType: 'boolean' },
      { name: 'Stage', slug: 'stage', fieldType: 'select', options: [{ name: 'Open', color: 'blue' }, { name: 'Closed', color: 'green' }] },
      { name: 'Due', slug: 'due', fieldType: 'date' },
      { name: 'Mail', slug: 'mail', fieldType: 'email' },
      { name: 'Notes', slug: 'notes', fieldType: 'longText' },
    ],
    ...extra,
  });
  const records = Array.from({ length: rows }, (_, i) => ({
    name: `Row ${String(i + 1).padStart(4, '0')}`,
    amount: i,
    done: i % 2 === 0,
    due: `2026-0${1 + (i % 9)}-15`,
  }));
  if (rows > 0) await api(page, 'POST', `/api/tables/${table.slug}/records/bulk`, { records });
  return table;
}

export async function recordsOf(page, slug, query = {}) {
  const pagination = { type: 'offset', offset: 0, limit: 50 };
  return (await api(page, 'POST', `/api/tables/${slug}/query`, { pagination, ...query })).records;
}

export async function openTable(page, slug) {
  await page.goto(`${base}/t/${slug}`);
  await page.waitForSelector('.row [data-col="0"]:not(:has(.ghost))');
}

export const cell = (page, row, col) => page.locator(`#cell-${row}-${col}`);

/** Waits until a cell shows a text. */
export async function shows(page, row, col, expected) {
  await page.waitForFunction(
    ([id, wanted]) => document.getElementById(id)?.textContent?.trim() === wanted,
    [`cell-${row}-${col}`, expected],
    { timeout: 20_000 },
  ).catch(async () => {
    assert.equal((await cell(page, row, col).textContent())?.trim(), expected, `cell ${row}, ${col}`);
  });
}

/** Waits until nothing is being saved any more. */
export async function saved(page) {
  await page.waitForFunction(() => document.querySelectorAll('[data-state="saving"]').length === 0);
}

/** What goes on moving, as a clock that runs down, is not waited for any longer. */
const STILL_AFTER_MS = 1_500;

/** Waits until nothing moves any more that ends by itself: a dialog that fades in, a card whose border changes. */
async function still(page) {
  await page.evaluate(async (most) => {
    const end = performance.now() + most;
    const frame = () => new Promise((done) => requestAnimationFrame(() => done()));
    const moving = () => document.getAnimations().filter((one) => one.playState === 'running' && Number.isFinite(one.effect?.getComputedTiming().endTime));
    // What was just asked for begins with the next frame; one that ends may begin another.
    for (let calm = 0; calm < 3 && performance.now() < end; calm = moving().length > 0 ? 0 : calm + 1) {
      await frame();
    }
  }, STILL_AFTER_MS);
}

/** Judged once the page stands still. */
export async function assertAccessible(page, where) {
  await still(page);
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const result = await globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    });
    return result.violations.map((one) => ({
      rule: one.id,
      nodes: one.nodes.slice(0, 4).map((node) => `${node.target.join(' ')}: ${node.failureSummary?.split('\n').slice(1, 3).join(' ')}`),
    }));
  });
  assert.deepEqual(found, [], `axe on ${where}`);
}

/** Everything in which a page could keep a text: what is drawn, the address, the storages, the query cache, what was said. */
async function kept(page, said) {
  const inside = await page.evaluate(async () => {
    const root = document.getElementById('root');
    let client = null;
    const look = (fiber) => {
      for (let one = fiber; one && !client; one = one.sibling) {
        const found = one.memoizedProps?.client;
        if (typeof found?.getQueryCache === 'function') client = found;
        else look(one.child);
      }
    };
    // The application comes a little after the page: it is loaded by itself.
    for (let i = 0; i < 100 && !client; i++) {
      if (i > 0) await new Promise((resolve) => { requestAnimationFrame(resolve); });
      // Of the two trees that React keeps, the one that is shown.
      const container = Object.entries(root).find(([name]) => name.startsWith('__reactContainer$'));
      if (container) look(container[1].stateNode.current);
    }
    if (!client) throw new Error('no query cache found');
    const queries = client.getQueryCache().getAll().map((one) => [one.queryKey, one.state.data]);
    const mutations = client.getMutationCache().getAll().map((one) => one.state);
    return [
      document.documentElement.outerHTML,
      [...document.querySelectorAll('input, textarea')].map((one) => one.value).join('\n'),
      JSON.stringify({ ...localStorage }),
      JSON.stringify({ ...sessionStorage }),
      document.cookie,
      document.title,
      location.href,
      JSON.stringify(history.state),
      performance.getEntries().map((one) => one.name).join('\n'),
      JSON.stringify((await indexedDB.databases?.()) ?? []),
      JSON.stringify(await caches.keys()),
      JSON.stringify(queries),
      JSON.stringify(mutations),
    ];
  });
  return [...inside, ...said].join('\n');
}

/** That some texts are in nothing that a page keeps. */
export async function assertKeptNowhere(page, said, ...canaries) {
  const text = await kept(page, said);
  for (const canary of canaries) assert.ok(!text.includes(canary), `the page still has ${canary.slice(0, 6)}…`);
}
