// Files: brought by choosing and by dropping, shown small and large, refused where they do not fit, taken out and put back, undone.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { api, assertAccessible, assertClean, base, cell, launch, recordsOf, saved, shows, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
// As long as somebody listens, every chooser is given to the test; between two waits one would be lost.
page.on('filechooser', () => undefined);

/** A real picture: bands of two colours. */
function png(width, height, [red, green, blue]) {
  const chunk = (name, body) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    const named = Buffer.concat([Buffer.from(name), body]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([head, named, sum]);
  };
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 2, 0, 0, 0], 8);
  const line = (y) => Buffer.concat([Buffer.from([0]), ...Array.from({ length: width }, (_, x) => Buffer.from((x + y) % 64 < 32 ? [red, green, blue] : [blue, red, green]))]);
  const pixels = Buffer.concat(Array.from({ length: height }, (_, y) => line(y)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', size), chunk('IDAT', deflateSync(pixels)), chunk('IEND', Buffer.alloc(0))]);
}

const file = (name, buffer, mimeType = 'application/octet-stream') => ({ name, mimeType, buffer: Buffer.from(buffer) });
const cat = file('cat.png', png(640, 400, [200, 90, 40]), 'image/png');
const dog = file('dog.png', png(300, 500, [40, 90, 200]), 'image/png');
const fake = file('fake.png', 'no picture at all', 'image/png');
const notes = file('notes.txt', 'first line\nsecond line', 'text/plain');
const numbers = file('numbers.csv', 'a,b\n1,2\n', 'text/csv');

const made = await api(page, 'POST', '/api/tables', {
  name: `Pets ${process.pid}`,
  columns: [
    { name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true },
    { name: 'Photo', slug: 'photo', fieldType: 'file', config: { accept: 'image/*', maxSize: 50_000 } },
    { name: 'Papers', slug: 'papers', fieldType: 'files', config: { maxFiles: 4 } },
  ],
});
await api(page, 'POST', `/api/tables/${made.slug}/records/bulk`, { records: ['Ann', 'Bea', 'Cem', 'Dan'].map((name) => ({ name })) });
const records = () => recordsOf(page, made.slug, { includeDisplay: true });
const namesIn = async (row, slug) => ((await records())[row].data._files?.[slug] ?? []).map((one) => one.name);
const [PHOTO, PAPERS] = [1, 2];
const dialog = () => page.locator('[role=dialog]');
const shot = (name) => (process.env.SHOTS ? page.screenshot({ path: `${process.env.SHOTS}/files-${name}.png` }) : undefined);

const open = async () => {
  await page.goto(`${base}/t/${made.slug}`);
  await page.waitForSelector('.row [data-col="0"]:not(:has(.ghost))');
};
const closed = async () => {
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  await page.waitForFunction(() => document.activeElement?.matches('.grid'));
};

/** Chooses files with the button that has the focus. */
async function choose(...files) {
  const asked = page.waitForEvent('filechooser');
  await page.keyboard.press('Enter');
  await (await asked).setFiles(files);
}

/** Drags files over a place and lets them go. */
async function drop(selector, ...files) {
  const given = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, content: buffer.toString('base64') }));
  await page.evaluate(
    ([where, list]) => {
      const data = new DataTransfer();
      for (const { name, mimeType, content } of list) {
        data.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name, { type: mimeType }));
      }
      const target = document.querySelector(where);
      for (const kind of ['dragenter', 'dragover', 'drop']) target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
    },
    [selector, given],
  );
}

test('a picture is brought by keyboard, and its cell shows a thumbnail of it', async () => {
  await open();
  await cell(page, 0, PHOTO).click();
  await page.keyboard.press('Enter');
  await page.waitForSelector('.files-choose');
  await page.waitForFunction(() => document.activeElement?.matches('.files-choose'));
  assert.match(await dialog().textContent(), /Photo of Ann.*pictures · at most 50 kB/s);
  await assertAccessible(page, 'no file yet');
  await choose(cat);
  await page.waitForSelector('.files-list li:has-text("cat.png"):has-text("640 × 400")');
  await shot('dialog');
  await page.keyboard.press('Escape');
  await closed();
  await shows(page, 0, PHOTO, 'cat.png');
  const shown = await cell(page, 0, PHOTO).locator('img').evaluate((image) => image.decode().then(() => [image.naturalWidth, image.naturalHeight, new URL(image.src).pathname]));
  assert.deepEqual(shown.slice(0, 2), [320, 200], 'the server’s small picture');
  assert.match(shown[2], /^\/api\/files\/.*\/thumbnail$/);
  assert.deepEqual(await namesIn(0, 'photo'), ['cat.png']);
});

test('what is no picture, too large, or one too many is refused, and each refusal says why', async () => {
  await cell(page, 1, PHOTO).click();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.files-choose'));
  await choose(fake);
  await page.waitForSelector('.files-why:has-text("“fake.png”"), .files-why:has-text("fake.png")');
  assert.match(await page.textContent('.files-why'), /"fake.png" is text\/plain; the column takes image\/\*/);
  await assertAccessible(page, 'a file that was refused');
  await drop('.files-drop', file('large.png', Buffer.alloc(60_000)), dog);
  await page.waitForSelector('.files-why:has-text("It has 60 kB; this takes at most 50 kB.")');
  await page.waitForSelector('.files-list li:has-text("dog.png"):has-text("300 × 500")');
  await shot('refused');
  await page.click('[aria-label="Leave fake.png out"]');
  await page.click('[aria-label="Leave large.png out"]');
  assert.equal(await page.locator('.files-why').count(), 0);
  await page.keyboard.press('Escape');
  await closed();
  assert.deepEqual(await namesIn(1, 'photo'), ['dog.png']);
});

test('files dropped on a cell are one step, which Ctrl+Z takes back', async () => {
  await drop('#cell-0-2', cat, notes, numbers);
  await page.waitForSelector('.files-list li:has-text("numbers.csv")');
  await page.waitForSelector('.files-coming', { state: 'detached' });
  assert.deepEqual(await namesIn(0, 'papers'), ['cat.png', 'notes.txt', 'numbers.csv']);
  await drop('.files-drop', dog, fake);
  await page.waitForSelector('.files-why:has-text("No more than 4 files fit here.")');
  await page.waitForSelector('text=That is all it takes: 4 files.');
  await page.click('[aria-label="Leave fake.png out"]');
  await page.waitForSelector('.files-coming', { state: 'detached' });
  await shot('several');
  await page.keyboard.press('Escape');
  await closed();
  assert.match((await cell(page, 0, PAPERS).textContent()).trim(), /cat\.png, notes\.txt, numbers\.csv, dog\.png/);
  await page.keyboard.press('Control+z');
  await page.waitForSelector('.toast:has-text("Undone")');
  assert.deepEqual(await namesIn(0, 'papers'), ['cat.png', 'notes.txt', 'numbers.csv']);
  await page.keyboard.press('Control+z');
  await page.waitForFunction(() => document.getElementById('cell-0-2')?.textContent?.trim() === '');
  await page.keyboard.press('Control+y');
  await page.waitForFunction(() => document.getElementById('cell-0-2')?.textContent?.includes('numbers.csv'));
  assert.deepEqual(await namesIn(0, 'papers'), ['cat.png', 'notes.txt', 'numbers.csv']);
});

test('Space shows them large, the arrows go from one to the next, and Escape leads back to the cell', async () => {
  await cell(page, 0, PAPERS).click();
  await page.keyboard.press('Space');
  await page.waitForSelector('.preview-picture[data-drawn]');
  assert.equal(await page.locator('.preview-picture').evaluate((image) => image.naturalWidth), 640);
  assert.match(await dialog().textContent(), /cat\.png.*PNG.*640 × 400.*1 of 3/s);
  await assertAccessible(page, 'a preview');
  await shot('preview');
  await page.keyboard.press('ArrowRight');
  await page.waitForSelector('.preview-none');
  assert.match(await dialog().textContent(), /notes\.txt.*22 B.*plain text.*2 of 3/s);
  await assertAccessible(page, 'a preview of no picture');
  await shot('preview-none');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('.preview a:has-text("Download")')]);
  assert.equal(download.suggestedFilename(), 'notes.txt');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.waitForSelector('.preview-place:has-text("3 of 3")');
  await page.keyboard.press('Escape');
  await closed();
  assert.equal(await page.getAttribute('.grid', 'aria-activedescendant'), 'cell-0-2');
  await page.click('#cell-0-2 [data-files=show]');
  await page.waitForSelector('.preview-picture[data-drawn]');
  await page.keyboard.press('Escape');
  await closed();
  await cell(page, 0, PHOTO).locator('.thumb').dblclick();
  await page.waitForSelector('.preview-picture[data-drawn]');
  await page.keyboard.press('Escape');
  await closed();
});

test('by keyboard alone they are put in order, taken out and put back; copying gives their names', async () => {
  await cell(page, 0, PAPERS).click();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.files-choose'));
  await page.focus('[aria-label="Move notes.txt up"]');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Move notes.txt down');
  await page.waitForSelector('.files-list li:first-child:has-text("notes.txt")');
  await page.focus('[aria-label="Take cat.png out"]');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.files-back'));
  await page.waitForSelector('[data-file]:has-text("cat.png")', { state: 'detached' });
  assert.deepEqual(await namesIn(0, 'papers'), ['notes.txt', 'numbers.csv']);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Take cat.png out');
  assert.deepEqual(await namesIn(0, 'papers'), ['notes.txt', 'cat.png', 'numbers.csv']);
  await page.focus('[aria-label="Show cat.png"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.preview-picture[data-drawn]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.preview', { state: 'detached' });
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Show cat.png');
  await page.keyboard.press('Escape');
  await closed();
  await page.keyboard.press('Control+c');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'notes.txt, cat.png, numbers.csv');
  await cell(page, 1, PAPERS).click();
  await page.keyboard.press('Control+v');
  await page.waitForSelector('[role=dialog]:has-text("Files are brought, not typed or pasted as text")');
  await page.keyboard.press('Escape');
  await cell(page, 1, PAPERS).click();
  await page.keyboard.press('Control+d');
  await saved(page);
  assert.deepEqual(await namesIn(1, 'papers'), ['notes.txt', 'cat.png', 'numbers.csv']);
  await page.keyboard.press('Delete');
  await saved(page);
  assert.deepEqual(await namesIn(1, 'papers'), []);
});

test('when the line breaks it is said, and another try brings the file', async () => {
  await cell(page, 2, PAPERS).click();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.files-choose'));
  await page.route('**/api/files', (route) => route.abort());
  await choose(notes);
  await page.waitForSelector('.files-why:has-text("The connection broke")');
  await assertAccessible(page, 'a file that did not arrive');
  await shot('broken');
  await page.unroute('**/api/files');
  await session.context.setOffline(true);
  await page.click('[aria-label="Try again to send notes.txt"]');
  await page.waitForSelector('.files-why:has-text("The server did not answer. What was chosen is still here.")');
  await session.context.setOffline(false);
  await page.click('[aria-label="Try again to send notes.txt"]');
  await page.waitForSelector('[data-file]:has-text("notes.txt")');
  await page.route('**/api/files', (route) => route.fulfill({ status: 413, contentType: 'application/problem+json', body: JSON.stringify({ status: 413, code: 'bodyTooLarge', title: 'The body is too large', detail: 'Bytes of all files (filesBytesMax): at most 15360, got 18000.', hint: 'Delete files that nobody needs.' }) }));
  await page.focus('.files-choose');
  await choose(numbers);
  await page.waitForSelector('.files-why:has-text("Bytes of all files"):has-text("Delete files that nobody needs.")');
  assert.equal(await page.locator('[aria-label="Try again to send numbers.csv"]').count(), 0, 'the same would be refused again');
  await page.unroute('**/api/files');
  await page.keyboard.press('Escape');
  await closed();
  session.faults.splice(0, session.faults.length, ...session.faults.filter((said) => !/ERR_FAILED|ERR_INTERNET_DISCONNECTED|status of 413/.test(said)));
});

test('who leaves before a file has come is asked, and gets away by itself once it is there', async () => {
  await cell(page, 3, PAPERS).click();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.files-choose'));
  let go = () => undefined;
  const held = new Promise((done) => { go = done; });
  await page.route('**/api/files', async (route) => { await held; await route.continue(); });
  await choose(notes);
  await page.waitForSelector('.files-coming li:has-text("notes.txt")');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.files-asking:has-text("1 file still on the way.")');
  await assertAccessible(page, 'a file on the way');
  await shot('asking');
  await page.click('.files-asking button:has-text("Wait")');
  await page.waitForSelector('.files-asking', { state: 'detached' });
  await page.keyboard.press('Escape');
  await page.waitForSelector('.files-asking');
  go();
  await closed();
  await page.unroute('**/api/files');
  assert.deepEqual(await namesIn(3, 'papers'), ['notes.txt']);
  await page.keyboard.press('Control+z');
  await page.waitForFunction(() => document.getElementById('cell-3-2')?.textContent?.trim() === '');
  assert.deepEqual(await namesIn(3, 'papers'), []);
});

test('the record form brings them too, waits for what is on the way, and its history calls them by name', async () => {
  await page.keyboard.press('Shift+Enter');
  await page.waitForSelector('#field-papers');
  await page.fill('#field-name', 'Eve');
  await page.focus('#field-papers');
  let go = () => undefined;
  const held = new Promise((done) => { go = done; });
  await page.route('**/api/files', async (route) => { await held; await route.continue(); });
  await choose(notes, cat);
  await page.waitForSelector('.form-hint:has-text("2 files still on the way")');
  assert.ok(await page.isDisabled('.form-foot button[type=submit]'));
  await assertAccessible(page, 'a record form with files on the way');
  await shot('form-sending');
  go();
  await page.waitForSelector('.files-coming', { state: 'detached' });
  await page.unroute('**/api/files');
  await drop('.record-form .files-drop', fake);
  await page.waitForSelector('[data-file]:has-text("fake.png")');
  await page.click('.form-foot button[type=submit]');
  await page.waitForSelector('.record-form .problem:has-text("Photo")');
  await page.waitForSelector('.mantine-InputWrapper-error:has-text("the column takes image/*")');
  await shot('form-refused');
  await page.click('[aria-label="Take fake.png out"]');
  await page.click('.form-foot button[type=submit]');
  await page.waitForSelector('.toast:has-text("Record created.")');
  assert.deepEqual(await namesIn(4, 'papers'), ['notes.txt', 'cat.png']);
  await cell(page, 0, 0).click();
  await page.keyboard.press('Space');
  await page.waitForSelector('.record-form [data-file]:has-text("numbers.csv")');
  await shot('form');
  await page.click('.record-form [aria-label="Show cat.png"] >> nth=0');
  await page.waitForSelector('.preview-picture[data-drawn]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.preview', { state: 'detached' });
  await page.waitForSelector('.record-form');
  await page.click('[role=tab]:has-text("History")');
  await page.waitForSelector('.step-changes a:has-text("dog.png")');
  await assertAccessible(page, 'a history of files');
  await shot('history');
  await page.keyboard.press('Escape');
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
});

test('records with and without files are found, and a column says what it takes', async () => {
  await page.click('.toolbar button:has-text("Filter")');
  await page.click('.filter-panel button:has-text("Condition")');
  await page.click('.filter-panel [aria-label="Field"]');
  await page.click('[role=option]:visible:has-text("Papers")');
  await page.click('.filter-panel [aria-label="Operator"]');
  assert.deepEqual(await page.locator('[role=option]:visible').allTextContents(), ['is empty', 'is not empty']);
  await page.click('[role=option]:visible:has-text("is not empty")');
  await page.waitForSelector('.toolbar-count:has-text("3 records")');
  await page.keyboard.press('Escape');
  await page.goto(`${base}/t/${made.slug}/columns`);
  await page.click('button:has-text("Add column")');
  await page.fill('[role=dialog] input[data-autofocus]', 'Scans');
  await page.click('[role=radio]:has-text("Several files that are kept")');
  await page.click('[role=dialog] button:has-text("Pictures")');
  await page.click('[role=dialog] button:has-text("PDF")');
  await page.fill('[role=dialog] input[inputmode] >> nth=0', '2.5');
  await page.fill('[role=dialog] input[inputmode] >> nth=1', '6');
  await assertAccessible(page, 'the settings of a column for files');
  await shot('settings');
  await page.click('[role=dialog] button[type=submit]');
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  const columns = (await api(page, 'GET', `/api/tables/${made.slug}?include=columns`)).columns;
  assert.deepEqual(columns.find((one) => one.name === 'Scans').config, { accept: 'image/*, application/pdf', maxSize: 2_500_000, maxFiles: 6 });
  await page.goto(`${base}/t/${made.slug}/forms/new`);
  await page.waitForSelector('text=Strangers cannot fill in: Photo, Papers, Scans.');
});

test('a viewer sees and fetches them, and is offered no change', async () => {
  const outside = await launch();
  after(() => outside.browser.close());
  const email = `vic-${process.pid}@example.com`;
  await api(page, 'POST', '/api/users', { email, name: 'Vic Viewer', role: 'viewer', password: 'a password for looking' });
  const { page: visitor } = outside;
  await visitor.goto(`${base}/`);
  await visitor.fill('input[name=email]', email);
  await visitor.fill('input[name=password]', 'a password for looking');
  await visitor.click('button[type=submit]');
  await visitor.waitForSelector('.card');
  await visitor.goto(`${base}/t/${made.slug}`);
  await visitor.waitForSelector('#cell-0-1 img');
  await visitor.click('#cell-0-1');
  assert.equal(await visitor.locator('[data-files=bring]').count(), 0);
  await visitor.keyboard.press('Enter');
  await visitor.waitForSelector('.preview-picture[data-drawn]');
  await visitor.keyboard.press('Escape');
  await visitor.waitForSelector('.preview', { state: 'detached' });
  await visitor.click('#cell-0-0');
  await visitor.keyboard.press('Enter');
  await visitor.waitForSelector('.record-form [data-file]');
  assert.equal(await visitor.locator('.files-drop, .files-remove, .files-up').count(), 0);
  await visitor.waitForSelector('.record-form a[aria-label="Download cat.png"]');
  await assertAccessible(visitor, 'files a viewer sees');
  await assertClean(outside);
});

test('a guest who writes a part of the table brings files straight into a record, and opens none', async () => {
  const outside = await launch();
  after(() => outside.browser.close());
  const email = `gil-${process.pid}@example.com`;
  const grants = [{ workspace: made.workspaceId, table: made.id, scope: 'write' }];
  await api(page, 'POST', '/api/users', { email, name: 'Gil Guest', role: 'guest', password: 'a password for guests', grants });
  const { page: guest } = outside;
  guest.on('filechooser', () => undefined);
  await guest.goto(`${base}/`);
  await guest.fill('input[name=email]', email);
  await guest.fill('input[name=password]', 'a password for guests');
  await guest.click('button[type=submit]');
  await guest.waitForSelector('.card');
  await guest.goto(`${base}/t/${made.slug}`);
  await guest.waitForSelector('#cell-0-1 .thumb-icon');
  assert.equal(await guest.locator('.cell img').count(), 0, 'what is in them is not for the guest');
  await guest.click('#cell-3-2');
  await guest.keyboard.press('Enter');
  await guest.waitForFunction(() => document.activeElement?.matches('.files-choose'));
  const asked = guest.waitForEvent('filechooser');
  await guest.keyboard.press('Enter');
  await (await asked).setFiles([notes, numbers]);
  await guest.waitForFunction(() => document.querySelectorAll('[data-file]').length === 2);
  await guest.waitForSelector('text=What is in them is not open to you.');
  assert.equal(await guest.locator('[role=dialog] a, .files-show').count(), 0);
  await assertAccessible(guest, 'files a guest brings');
  await guest.keyboard.press('Escape');
  await guest.waitForSelector('[role=dialog]', { state: 'detached' });
  assert.deepEqual(await namesIn(3, 'papers'), ['notes.txt', 'numbers.csv']);
  await guest.keyboard.press('Control+z');
  await guest.waitForSelector('.toast:has-text("Undone")');
  assert.deepEqual(await namesIn(3, 'papers'), ['notes.txt']);
  await guest.click('#cell-3-0');
  await guest.keyboard.press('Enter');
  await guest.keyboard.press('Escape');
  await guest.keyboard.press('Space');
  await guest.waitForSelector('.record-form >> text=You bring files in the table');
  await assertClean(outside);
});

test('in dark and on a narrow page it holds as well', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 800, height: 700 });
  await open();
  await assertAccessible(page, 'cells with files, dark');
  await shot('grid-dark');
  await cell(page, 0, PAPERS).click();
  await page.keyboard.press('Enter');
  await page.waitForSelector('.files-choose');
  await drop('.files-drop', file('empty.txt', ''), fake, dog);
  await page.waitForSelector('.files-why');
  await assertAccessible(page, 'a list of files, dark');
  await shot('dialog-dark');
  await page.click('[aria-label="Show cat.png"]');
  await page.waitForSelector('.preview-picture[data-drawn]');
  await assertAccessible(page, 'a preview, dark');
  await shot('preview-dark');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await closed();
  await page.emulateMedia({ colorScheme: 'light' });
});

test('nothing of it was against the content policy or went wrong unseen', () => assertClean(session));
