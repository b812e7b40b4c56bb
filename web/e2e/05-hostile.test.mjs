// Strings that would run as script in a careless page: in cells, names of tables, columns, options and files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, assertClean, base, cell, signedIn } from './support.mjs';

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
    await page.waitForSelector('button:has-text("Next")');
    await page.click('button:has-text("Next")');
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
