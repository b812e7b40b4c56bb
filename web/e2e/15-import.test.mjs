// The import wizard: a real data set with mistakes in it from the file to the undo, workbooks and JSON, mistakes people make, pause and stop, by keyboard alone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import { api, assertAccessible, assertClean, base, makeTable, recordsOf, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
const stamp = `${Date.now() % 1_000_000}`;

const bytes = (name, buffer, mimeType = 'text/csv') => ({ name, mimeType, buffer: Buffer.from(buffer) });
const bring = (file) => page.setInputFiles('input[type=file]', file);
const button = (name) => page.getByRole('button', { name, exact: true });
const pick = (name) => page.getByRole('option', { name, exact: true }).click();
const at = (step) => page.waitForURL(new RegExp(`/imports/[^?]+\\?step=${step}$`));
const counts = async () =>
  Object.fromEntries(await page.locator('.counts > div').evaluateAll((all) => all.map((one) => [one.dataset.kind, Number(one.querySelector('dd').textContent.replace(/\D/g, ''))])));
const focused = () => page.evaluate(() => document.activeElement?.textContent);

async function accessibleInBoth(where) {
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    await page.waitForSelector(`html[data-mantine-color-scheme=${colorScheme}]`);
    await assertAccessible(page, `${where}, ${colorScheme}`);
  }
}

const everything = async (slug) => {
  const { columns } = await api(page, 'GET', `/api/tables/${slug}?include=columns`);
  const records = await recordsOf(page, slug, { pagination: { type: 'offset', offset: 0, limit: 50 } });
  return JSON.stringify([columns.map((one) => [one.slug, one.fieldType, one.options]), records]);
};

test('a real data set with two mistakes: both are shown, the rest is imported, the mistakes are a file, and all of it is taken back', async () => {
  const lines = gunzipSync(readFileSync(new URL('fixtures/birdstrikes.csv.gz', import.meta.url))).toString().trimEnd().split(/\r?\n/);
  const types = { 'Flight Date': 'date', 'Cost Other': 'number', 'Cost Repair': 'number', 'Cost Total $': 'number', 'Speed IAS in knots': 'number' };
  const columns = lines[0].split(',').map((name, i) => ({ name, fieldType: types[name] ?? 'text', isPrimary: i === 0 }));
  const table = await api(page, 'POST', '/api/tables', { name: `Bird strikes ${stamp}`, columns });
  await api(page, 'POST', `/api/tables/${table.slug}/records/bulk`, { records: [{ airportName: 'Here before' }, { airportName: 'And this' }] });
  const before = await everything(table.slug);
  const [dated, priced] = [41, 9002];
  lines[dated] = lines[dated].replace(/\d{4}-\d\d-\d\d/, '1990-13-45');
  const cells = lines[priced].split(',');
  cells[cells.length - 2] = 'a lot';
  lines[priced] = cells.join(',');

  await page.goto(`${base}/t/${table.slug}/import`);
  await page.waitForSelector('.drop');
  await accessibleInBoth('the file');
  await bring(bytes('birdstrikes.csv', `${lines.join('\n')}\n`));
  await at('preview');
  await page.waitForSelector('text=10,000 rows, 14 columns, 1.2 MB');
  assert.match(await focused(), /Step 2 of 7: How the file is read/);
  await accessibleInBoth('the first rows');
  await button('Next').click();
  await at('map');
  await page.waitForSelector('.mapping tr:has-text("Flight Date"):has-text("1 of 10,000 values would be refused")');
  assert.match(await focused(), /Where its columns go/);
  await accessibleInBoth('the mapping');
  await button('Next').click();
  await at('rules');
  await accessibleInBoth('the rules');
  await button('Check every row').click();
  await at('check');
  await page.waitForSelector('.counts');
  assert.deepEqual(await counts(), { created: 9998, updated: 0, unchanged: 0, failed: 2 });
  const rows = await page.locator('.row-errors tbody tr').allInnerTexts();
  assert.deepEqual(rows.map((row) => row.split('\t').slice(0, 4)), [['41', '42', 'Flight Date', '1990-13-45'], ['9,002', '9,003', 'Cost Total $', 'a lot']]);
  await page.click('.kind:has-text("Cost Total $")');
  assert.equal(await page.locator('.row-errors tbody tr').count(), 1);
  await page.click('.kind:has-text("All kinds")');
  await accessibleInBoth('the check');
  assert.equal(await everything(table.slug), before, 'a check writes nothing');

  await button('Import 9,998 rows').click();
  await at('result');
  await page.waitForSelector('text=Undo this import');
  assert.deepEqual(await counts(), { created: 9998, updated: 0, unchanged: 0, failed: 2 });
  assert.match(await focused(), /What became of it/);
  await accessibleInBoth('the result');
  const download = page.waitForEvent('download');
  await button('Refused rows as CSV').click();
  const csv = await readFile(await (await download).path(), 'utf8');
  const [head, ...bad] = csv.trimEnd().split(/\r?\n/);
  assert.equal(head, `${lines[0]},_row,"_error"`);
  assert.equal(bad.length, 2);
  assert.ok(bad[0].startsWith(`${lines[dated]},41,`) && bad[0].includes('date'), bad[0]);
  assert.ok(bad[1].startsWith(`${lines[priced]},9002,`) && bad[1].includes('is not a number'), bad[1]);
  const stats = await api(page, 'GET', `/api/tables/${table.slug}/stats`);
  assert.equal(stats.records ?? stats.recordCount, 10_000);

  await button('Undo this import').click();
  await page.waitForSelector('[role=dialog]:has-text("9,998 records will be as before")');
  await page.click('[role=dialog] button:has-text("Undo")');
  await page.waitForSelector('text=Imported, and taken back later');
  await page.waitForSelector('text=9,998 records as before.');
  assert.equal(await everything(table.slug), before, 'the table is as before');
  await page.goto(`${base}/jobs`);
  await page.waitForSelector('.imports tr:has-text("birdstrikes.csv"):has-text("taken back"):has-text("9,998 created, 2 refused")');
  await accessibleInBoth('imports and jobs');
  await assertClean(session);
});

/** A zip archive of stored files: what a workbook is. */
function zip(files) {
  const parts = [];
  const central = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const data = Buffer.from(text);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(20, 4);
    head.writeUInt32LE(crc32(data), 14);
    head.writeUInt32LE(data.length, 18);
    head.writeUInt32LE(data.length, 22);
    head.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(20, 4);
    head.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(offset, 42);
    central.push(entry, Buffer.from(name));
    parts.push(head, Buffer.from(name), data);
    offset += head.length + name.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}

function workbook(sheets) {
  const xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
  const spread = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
  const rel = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  const pack = 'http://schemas.openxmlformats.org/package/2006';
  const names = Object.keys(sheets);
  const cell = (value, at) => (typeof value === 'number' ? `<c r="${at}"><v>${value}</v></c>` : `<c r="${at}" t="inlineStr"><is><t>${value}</t></is></c>`);
  const files = {
    '[Content_Types].xml': `${xml}<Types xmlns="${pack}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
    '_rels/.rels': `${xml}<Relationships xmlns="${pack}/relationships"><Relationship Id="rId1" Type="${rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    'xl/workbook.xml': `${xml}<workbook xmlns="${spread}" xmlns:r="${rel}"><sheets>${names.map((name, i) => `<sheet name="${name}" sheetId="${i + 1}" r:id="rId${i + 1}"/>`).join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `${xml}<Relationships xmlns="${pack}/relationships">${names.map((_, i) => `<Relationship Id="rId${i + 1}" Type="${rel}/worksheet" Target="worksheets/sheet${i + 1}.xml"/>`).join('')}</Relationships>`,
  };
  names.forEach((name, i) => {
    const rows = sheets[name].map((row, r) => `<row r="${r + 1}">${row.map((value, c) => cell(value, `${String.fromCharCode(65 + c)}${r + 1}`)).join('')}</row>`);
    files[`xl/worksheets/sheet${i + 1}.xml`] = `${xml}<worksheet xmlns="${spread}"><sheetData>${rows.join('')}</sheetData></worksheet>`;
  });
  return zip(files);
}

test('a workbook of two sheets: the second one becomes a table, with a type of its own choice', async () => {
  await page.goto(`${base}/new?from=file`);
  await bring(bytes(`stock-${stamp}.xlsx`, workbook({ Notes: [['Remark'], ['Nothing here']], Stock: [['Code', 'Pieces'], ['007', 12], ['010', 3]] })));
  await at('preview');
  await page.waitForSelector('.preview td:text-is("Nothing here")');
  await page.getByRole('combobox', { name: 'Sheet' }).or(page.getByRole('textbox', { name: 'Sheet' })).click();
  await pick('Stock');
  await page.waitForSelector('.preview td:text-is("007")');
  await accessibleInBoth('a sheet of a workbook');
  await button('Next').click();
  await page.click('input[aria-label="Type of Pieces"]');
  const said = page.waitForResponse((one) => one.request().method() === 'PATCH' && one.ok());
  await pick('Text');
  await said;
  await page.reload();
  await page.waitForFunction(() => document.querySelector('input[aria-label="Type of Pieces"]')?.value === 'Text');
  await page.click('.import-steps a:has-text("Check")');
  await at('check');
  await button('Check every row').click();
  await page.waitForSelector('text=Every row fits.');
  const { tables } = await api(page, 'GET', '/api/tables?limit=1000');
  assert.ok(!tables.some((one) => one.name === `Stock ${stamp}`), 'nothing is made before the import');
  await button('Import 2 rows').click();
  await at('result');
  await page.click(`main a:has-text("Open Stock ${stamp}")`);
  await page.waitForSelector('.toolbar-count:has-text("2 records")');
  const slug = new URL(page.url()).pathname.split('/')[2];
  assert.deepEqual((await recordsOf(page, slug)).map((one) => [one.data.code, one.data.pieces]), [['007', '12'], ['010', '3']]);
});

test('a packed JSON file goes straight to the check', async () => {
  await page.goto(`${base}/new?from=file`);
  await bring(bytes(`people ${stamp}.json.gz`, gzipSync(JSON.stringify([{ name: 'Ada', age: 36 }, { name: 'Bo' }])), 'application/gzip'));
  await at('preview');
  await button('Straight to the check').click();
  await page.waitForSelector('.counts');
  assert.deepEqual(await counts(), { created: 2, updated: 0, unchanged: 0, failed: 0 });
  await button('Import 2 rows').click();
  await page.waitForSelector('text=Undo this import');
});

test('a column that a typing mistake keeps from being numbers is named where it is checked, and its type is a click away', async () => {
  const rows = Array.from({ length: 200 }, (_, i) => `Row ${i},${i === 41 ? 'n/a' : i}`);
  await page.goto(`${base}/new?from=file`);
  await bring(bytes(`costs ${stamp}.csv`, `Name,Cost\n${rows.join('\n')}\n`));
  await at('preview');
  await button('Straight to the check').click();
  await page.waitForSelector('.import-note:has-text("Cost: Number, but for 1 of 200 values")');
  await accessibleInBoth('a column that is nearly of numbers');
  await page.click('.import-note a');
  await at('map');
  await page.click('input[aria-label="Type of Cost"]');
  await pick('Number');
  await button('Straight to the check').click();
  await page.waitForSelector('.counts');
  assert.deepEqual(await counts(), { created: 199, updated: 0, unchanged: 0, failed: 1 });
  assert.equal(await page.locator('.import-note').count(), 0);
});

test('an import that is gone says so, with ways on', async () => {
  await page.goto(`${base}/imports/01a20a99-2d0d-768e-90f3-6fb3beeb4366?step=map`);
  await page.waitForSelector('text=goes when the server is started anew');
  await accessibleInBoth('an import that is gone');
  await page.click('a:has-text("A new table from a file")');
  await page.waitForURL(/new\?from=file/);
});

test('records are updated by a column that matches, and the mapping is offered to the next file', async () => {
  const table = await makeTable(page, 3);
  await page.goto(`${base}/t/${table.slug}/import`);
  await bring(bytes('changes.csv', 'Who,Amount,Remark\nRow 0001,500,first\nRow 0002,1,second\nSomebody,7,third\n'));
  await at('preview');
  await button('Next').click();
  await page.waitForSelector('text=Required, but nothing of the file goes there: Name');
  assert.ok(await button('Straight to the check').isDisabled());
  await page.click('input[aria-label="Where Who goes"]');
  await pick('Name');
  await page.click('input[aria-label="Where Amount goes"]');
  await pick('Name');
  await page.waitForSelector('.mapping tr:has-text("Amount") .mantine-Select-error:has-text("go into the same column")');
  assert.ok(await button('Next').isDisabled());
  await accessibleInBoth('a mapping with a fault');
  await page.click('input[aria-label="Where Amount goes"]');
  await pick('Amount');
  await page.click('input[aria-label="Where Remark goes"]');
  await pick('Leave out');
  await accessibleInBoth('a mapping with a column left out');
  await button('Next').click();
  await at('rules');
  await page.click('input[placeholder="Choose columns"]');
  await pick('Name');
  await page.keyboard.press('Escape');
  await page.waitForSelector('text=If several records match');
  await accessibleInBoth('the rules of an update');
  await page.reload();
  await page.waitForSelector('text=If several records match');
  await button('Check every row').click();
  await page.waitForSelector('.counts');
  assert.deepEqual(await counts(), { created: 1, updated: 1, unchanged: 1, failed: 0 });
  await button('Import 2 rows').click();
  await page.waitForSelector('text=Undo this import');
  assert.deepEqual((await recordsOf(page, table.slug)).map((one) => Number(one.data.amount)).sort((a, b) => a - b), [1, 2, 7, 500]);

  await page.click('main a:has-text("Import another file")');
  await bring(bytes('changes again.csv', 'Who,Amount,Remark\nSomebody,8,x\n'));
  await at('preview');
  await button('Next').click();
  await button('Map as then').click();
  await page.waitForSelector('text=Mapped as the earlier file.');
  await button('Straight to the check').click();
  await page.waitForSelector('.counts');
  assert.deepEqual(await counts(), { created: 0, updated: 1, unchanged: 0, failed: 0 });
});

test('mistakes people make are told and can be put right: no file, a picture, another delimiter, a step back', async () => {
  const table = await makeTable(page, 0);
  await page.goto(`${base}/t/${table.slug}/import`);
  await bring(bytes('nothing.csv', ''));
  await page.waitForSelector('[role=alert]:has-text("nothing.csv is empty")');
  await bring(bytes('bird.png', Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13]), Buffer.from('IHDR')]), 'image/png'));
  await page.waitForSelector('[role=alert]:has-text("bird.png is no table")');
  await bring(bytes('broken.json', '[{"name":"Ada",', 'application/json'));
  await page.waitForSelector('[role=alert]:has-text("no JSON array of objects")');
  await accessibleInBoth('a file that cannot be read');
  await bring(bytes('one.csv', 'Name;Amount\nOne;1\nTwo;2\n'));
  await at('preview');
  const between = page.getByRole('combobox', { name: 'Between cells' }).or(page.getByRole('textbox', { name: 'Between cells' }));
  await between.click();
  await pick('Tab');
  await page.waitForSelector('text=Only one column was found');
  await between.click();
  await pick('Semicolon');
  await page.waitForSelector('.preview th:text-is("Amount")');
  await page.getByLabel('The first row holds the names').uncheck();
  await page.waitForSelector('.preview th:text-is("Column 1")');
  await page.getByLabel('The first row holds the names').check();
  await page.waitForSelector('.preview th:text-is("Amount")');
  await button('Next').click();
  await at('map');
  await page.click('input[aria-label="Where Amount goes"]');
  await pick('Leave out');
  await button('Next').click();
  await at('rules');
  await page.goBack();
  await at('map');
  assert.equal(await page.inputValue('input[aria-label="Where Amount goes"]'), 'Leave out');
  assert.match(await focused(), /Where its columns go/);
  await page.click('.import-steps a:has-text("Reading")');
  await at('preview');
  const draft = page.url();
  await page.goto(`${base}/t/${table.slug}/import`);
  await page.click('a:has-text("Go on with one.csv")');
  await page.waitForSelector('.preview');
  await page.goto(`${draft.split('?')[0]}?step=map`);
  assert.equal(await page.inputValue('input[aria-label="Where Amount goes"]'), 'Leave out');
  await page.goto(draft);
  await button('Another file').click();
  await page.waitForSelector('.drop');
  await page.goto(draft);
  await page.waitForSelector('[role=alert]:has-text("An import that was not begun is kept for a day")');
  await assertClean(session);
});

test('a file that is dropped on the list of tables becomes one; elsewhere the page stays and nothing is lost', async () => {
  const drop = async (name, body) => {
    const data = await page.evaluateHandle(([named, text]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], named, { type: 'text/csv' }));
      return transfer;
    }, [name, body]);
    await page.dispatchEvent('main', 'dragover', { dataTransfer: data });
    const over = await page.locator('main[data-over]').count();
    const kept = await page.locator('main').evaluate((main, dataTransfer) => !main.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true })), data);
    assert.ok(kept, 'the browser does not go to the file');
    return over;
  };
  const rows = 'name,pieces\nBolt,3\nNut,4\n';
  await page.goto(`${base}/activity`);
  await page.waitForSelector('h1:has-text("Activity")');
  assert.equal(await drop(`Nowhere ${stamp}.csv`, rows), 0);
  await page.goto(`${base}/`);
  await page.waitForSelector('h1:has-text("Tables")');
  assert.equal(await drop(`Dropped ${stamp}.csv`, rows), 1);
  await at('preview');
  await page.waitForSelector('main >> text=Bolt');
  const table = await makeTable(page, 1);
  await page.goto(`${base}/t/${table.slug}/import`);
  await page.waitForSelector('.drop');
  assert.equal(await drop(`More ${stamp}.csv`, rows), 1);
  await at('preview');
  await page.waitForSelector(`main >> text=${table.name}`);
});

test('an import rests, is left and found again, goes on, and is stopped: nothing of it stays', async () => {
  const table = await makeTable(page, 1);
  await page.goto(`${base}/t/${table.slug}/import`);
  const rows = Array.from({ length: 240_000 }, (_, i) => `Number ${i},${i}`);
  await bring(bytes('many.csv', `Name,Amount\n${rows.join('\n')}\n`));
  await at('preview');
  await button('Straight to the check').click();
  await button('Import 240,000 rows').click();
  await at('run');
  await button('Pause').click();
  await page.waitForSelector('.busy:has-text("Paused")');
  assert.match(await page.textContent('[role=status]:has-text("Paused")'), /Paused: \d+ %/);
  await accessibleInBoth('an import that rests');
  await page.goto(`${base}/jobs`);
  await page.waitForSelector('.imports tr:has-text("many.csv"):has-text("paused")');
  await page.click('.imports tr:has-text("many.csv") a:has-text("Watch")');
  await button('Go on').click();
  await page.waitForSelector('.busy:has-text("rows/s")');
  await button('Stop the import').click();
  await page.click('[role=dialog] button:has-text("Stop and take back")');
  await page.waitForSelector('text=/Cancelled, and what it wrote was taken back|Nothing is checked/');
  assert.deepEqual((await recordsOf(page, table.slug)).map((one) => one.data.name), ['Row 0001']);
  await assertClean(session);
});

/** Goes on by Tab until what has the focus is called so. */
async function tabTo(name) {
  for (let i = 0; i < 90; i++) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
    if (here === name) return;
  }
  assert.fail(`Tab does not come to ${name}`);
}

test('everything is done by keyboard alone', async () => {
  const table = await makeTable(page, 0);
  await page.goto(`${base}/t/${table.slug}/import`);
  await page.waitForSelector('.drop');
  await page.focus('#main');
  const chooser = page.waitForEvent('filechooser');
  await tabTo('Choose a file');
  await page.keyboard.press('Enter');
  await (await chooser).setFiles(bytes('keys.csv', 'Name,Amount\nOne,1\nTwo,x\n'));
  await at('preview');
  await page.waitForFunction(() => document.activeElement?.textContent.includes('How the file is read'));
  await tabTo('Next');
  await page.keyboard.press('Enter');
  await at('map');
  await page.waitForFunction(() => document.activeElement?.textContent.includes('Where its columns go'));
  await tabTo('Where Amount goes');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Home');
  await page.keyboard.press('Escape');
  await tabTo('Next');
  await page.keyboard.press('Enter');
  await at('rules');
  await tabTo('Check every row');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.counts');
  await tabTo('Import 1 row');
  await page.keyboard.press('Enter');
  await at('result');
  await page.waitForSelector('text=Undo this import');
  await tabTo('Undo this import');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=dialog] button:has-text("Undo")');
  await tabTo('Undo');
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=Imported, and taken back later');
  assert.equal((await recordsOf(page, table.slug)).length, 0);
  await assertClean(session);
});
