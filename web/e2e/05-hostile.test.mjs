// Strings that would run as script in a careless page: in cells, names of tables, columns, options, files, people, keys, views and forms.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertClean, base, cell, recordsOf, signedIn } from './support.mjs';

const heads = [
  '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<svg onload=alert(1)>', '"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>",
  'javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', '<iframe src="javascript:alert(1)">', '<a href="javascript:alert(1)">x</a>',
  '<math><mtext></p><img src=x onerror=alert(1)>', '{{constructor.constructor("alert(1)")()}}', '${alert(1)}', '<style>@import "x"</style>', '<base href="//evil.example/">',
  '<body onload=alert(1)>', '<details open ontoggle=alert(1)>', '<template><script>alert(1)</script></template>', '&lt;script&gt;alert(1)&lt;/script&gt;', '<!--><script>alert(1)//-->',
  '\u2028<script>alert(1)</script>', '__proto__', 'constructor', '<noscript><p title="</noscript><img src=x onerror=alert(1)>">', '=cmd|calc!A1', '\u202etxt.exe', '<form action=javascript:alert(1)><button>x',
];
const tails = ['', ' x', '\n', '\t!', '<!--', '-->', '</textarea>', '" autofocus onfocus=alert(1) x="'];
const corpus = heads.flatMap((head) => tails.map((tail) => head + tail)).slice(0, 200);

test('two hundred hostile strings are shown as text and none runs', async () => {
  const session = await signedIn();
  const { page } = session;
  try {
    const evil = '<img src=x onerror=alert(1)>';
    const table = await api(page, 'POST', '/api/tables', {
      name: `${evil} ${Date.now()}`,
      slug: `hostile-${Date.now()}`,
      description: evil,
      columns: [
        { name: `${evil} name`, slug: 'a', fieldType: 'text', isPrimary: true, description: evil },
        { name: '<svg onload=alert(1)>', slug: 'b', fieldType: 'longText' },
        { name: '"><script>alert(1)</script>', slug: 'c', fieldType: 'select', options: [{ name: evil, color: '"><script>' }] },
        { name: 'json', slug: 'd', fieldType: 'json' },
      ],
    });
    assert.equal(corpus.length, 200);
    const clean = (value) => value.replace(/[\n\t]/g, ' ').trim();
    await api(page, 'POST', `/api/tables/${table.slug}/records/bulk`, {
      records: corpus.map((value) => ({ a: clean(value), b: value, d: { [clean(value)]: value } })),
    });
    await page.goto(`${base}/`);
    await page.waitForSelector('.card');
    await page.goto(`${base}/t/${table.slug}`);
    await page.waitForSelector('.row [data-col="0"]:not(:has(.ghost))');
    for (let i = 0; i < 10; i++) {
      await page.keyboard.press('PageDown');
      await page.mouse.move(700, 500);
      await page.mouse.wheel(0, 700);
      await page.waitForTimeout(80);
    }
    await page.mouse.wheel(0, -100_000);
    await page.waitForTimeout(300);
    assert.equal((await cell(page, 0, 0).textContent())?.trim(), clean(corpus[0]));
    await cell(page, 0, 1).click();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await cell(page, 1, 2).click();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await cell(page, 1, 0).click();
    await page.keyboard.press('Space');
    await page.waitForSelector('.facts');
    await page.goto(`${base}/t/${table.slug}/columns`);
    await page.waitForSelector('.column-list');
    await page.goto(`${base}/t/${table.slug}/import`);
    await page.setInputFiles('input[type=file]', { name: `${evil}.csv`, mimeType: 'text/csv', buffer: Buffer.from(`${evil},"<svg onload=alert(1)>"\n${evil},${evil}\n`) });
    await page.waitForSelector('.preview');
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await page.waitForSelector('.mapping');
    await page.click('button:has-text("Straight to the check")');
    await page.waitForSelector('.counts');
    await page.goto(`${base}/jobs`);
    await page.waitForSelector('.imports');
    await page.goto(`${base}/t/${encodeURIComponent(evil)}`);
    await page.waitForSelector('[role=alert]');
    await page.goto(`${base}/t/${table.slug}?view=${encodeURIComponent('{"search":"<img src=x onerror=alert(1)>"}')}`);
    await page.waitForSelector('.toolbar-search');
    assert.equal(await page.locator('main img, main script, main iframe, main svg[onload]').count(), 0);
    await assertClean(session);
  } finally {
    await session.browser.close();
  }
});

test('names of people, keys, views, forms and groups, and what is said of them, are shown as text everywhere', async () => {
  const session = await signedIn();
  const { page } = session;
  const evil = '<img src=x onerror=alert(1)>';
  const stamp = Date.now();
  /** The text stands there as it is written, and nothing of it became an element. */
  const shown = async (where, within = 'main') => {
    await page.waitForFunction(([selector, wanted]) => document.querySelector(selector)?.innerText.includes(wanted), [within, evil]).catch(() => assert.fail(`${where} does not show it`));
    assert.equal(await page.locator('img, main script, iframe, svg[onload]').count(), 0, where);
  };
  try {
    const table = await api(page, 'POST', '/api/tables', {
      name: `${evil} again ${stamp}`,
      slug: `again-${stamp}`,
      columns: [
        { name: `${evil} name`, slug: 'a', fieldType: 'text', isPrimary: true },
        { name: `${evil} kind`, slug: 'b', fieldType: 'select', options: [{ name: evil }] },
      ],
    });
    const at = `/t/${table.slug}`;
    const [option] = (await api(page, 'GET', `/api/tables/${table.slug}?include=columns`)).columns[1].options;
    await api(page, 'POST', `/api/tables/${table.slug}/records/bulk`, { records: [1, 2, 3].map(() => ({ a: evil, b: option.id })) });
    await api(page, 'POST', `/api/tables/${table.slug}/views`, { name: evil });
    const form = await api(page, 'POST', `/api/tables/${table.slug}/forms`, { name: evil, description: evil, thanks: evil, fields: [{ column: 'a', label: evil, help: evil }] });
    await api(page, 'POST', '/api/users', { email: `evil-${stamp}@example.com`, name: evil, role: 'guest', password: 'a long enough password', grants: [{ table: table.id, scope: 'read' }] });
    await api(page, 'POST', '/api/api-keys', { name: evil, scope: 'none', grants: [{ table: table.id, scope: 'read' }] });
    await page.goto(`${base}${at}?view=${encodeURIComponent(JSON.stringify({ group: { column: 'b', direction: 'asc' } }))}`);
    await page.waitForSelector('.row [data-col="0"]:not(:has(.ghost))');
    await shown('the grid');
    await shown('a group of rows', '.group-line');
    await page.click('.toolbar button:has-text("Views")');
    await shown('the views', '.views-panel');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.views-panel', { state: 'detached' });
    await page.keyboard.press('Control+k');
    await page.keyboard.type(evil);
    await shown('the palette', '[role=dialog]');
    await page.goto(`${base}${at}/forms`);
    await shown('the forms');
    await page.goto(`${base}${at}/forms/${form.id}`);
    await shown('a form', '.form-preview');
    await page.goto(`${base}/users`);
    await shown('the users');
    await page.click(`[aria-label="Menu of ${evil}"]`);
    await page.click('[role=menuitem]:has-text("Change name or role")');
    await page.waitForSelector('[role=dialog] .grant-said');
    await shown('what a guest may do', '[role=dialog]');
    await page.goto(`${base}/keys`);
    await shown('the keys');
    await page.click(`[aria-label="Revoke ${evil}"]`);
    await shown('a question', '[role=dialog]');
    await page.click('[role=dialog] button:has-text("Revoke")');
    await page.waitForSelector('.toast');
    await shown('a message', '.toasts');
    await page.goto(`${base}/webhooks`);
    await page.click('main button:has-text("Add webhook")');
    await page.click('[role=dialog] >> text=Of which tables');
    await page.waitForSelector(`[role=option]:has-text("again ${stamp}")`);
    await page.goto(`${base}${at}/duplicates`);
    await shown('the duplicates');
    await page.click('button:has-text("Find duplicates")');
    await page.waitForSelector('.dup-table');
    await shown('a group', '.dup-panes');
    await page.click('button:has-text("Merge 3 records")');
    await page.waitForSelector('.toast');
    await shown('what was merged', '.toasts');
    await page.goto(`${base}/activity`);
    await shown('the activity');
    await page.goto(`${base}${at}/trash`);
    await shown('the trash');
    const [record] = await recordsOf(page, table.slug);
    await page.goto(`${base}${at}/r/${record.id}`);
    await page.click('[role=tab]:has-text("History")');
    await page.waitForSelector('.step');
    await shown('a history', '[role=dialog]');
    await assertClean(session);
  } finally {
    await session.browser.close();
  }
});
