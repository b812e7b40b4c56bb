// What tables and columns become on the page: another type with a loss and back, options made one, exports that are read back, a table out of
// its JSON, settings, a table renamed and deleted, records deleted for good, workspaces.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { api, assertAccessible, assertClean, base, makeTable, openTable, recordsOf, shows, signedInForAll } from './support.mjs';

const session = await signedInForAll();
const { page } = session;
const stamp = `${process.pid}`;
const dialog = (inside) => `[role=dialog] ${inside}`;
const gone = () => page.waitForSelector('[role=dialog]', { state: 'detached' });

const says = (words) => page.locator('[role=dialog]').getByText(words).first().waitFor();

const make = (name, columns, more = {}) => api(page, 'POST', '/api/tables', { name: `${name} ${stamp}`, columns, ...more });
const fill = (table, records) => api(page, 'POST', `/api/tables/${table.slug}/records/bulk`, { records });
const columnOf = (table, slug) => api(page, 'GET', `/api/tables/${table.slug}/columns/${slug}`);

const people = await make('People', [
  { name: 'Name', slug: 'name', fieldType: 'text', isPrimary: true },
  { name: 'Zip', slug: 'zip', fieldType: 'text' },
  { name: 'Stage', slug: 'stage', fieldType: 'select', options: [{ name: 'Open', color: 'blue' }, { name: 'open', color: 'teal' }, { name: 'OPEN' }, { name: 'Closed' }] },
]);
await fill(people, [
  { name: 'Ann', zip: '00501', stage: 'Open' },
  { name: 'Bob', zip: '12', stage: 'open' },
  { name: 'Cem', zip: 'x-9', stage: 'OPEN' },
  { name: 'Dia', zip: '77', stage: 'Closed' },
  { name: 'Eve', stage: 'open' },
]);
const zips = async () => (await recordsOf(page, people.slug)).map((one) => one.data.zip);

const figure = (name) => page.textContent(dialog(`[data-figure="${name}"] dd`));
const scheme = (colorScheme) => page.emulateMedia({ colorScheme });
const bothSchemes = async (where) => {
  for (const one of ['dark', 'light']) {
    await scheme(one);
    await assertAccessible(page, `${where}, ${one}`);
  }
};

test('a column gets another type only once the loss was seen and ticked, and is changed back as it was', async () => {
  await openTable(page, people.slug);
  await page.hover('.head:has-text("Zip")').catch(() => undefined);
  await page.click('button[aria-label="Menu of column Zip"]');
  await page.click('[role=menuitem]:has-text("Change type")');
  await page.waitForSelector(dialog('.types'));
  await page.waitForSelector(dialog('.type[aria-disabled]:has-text("the store counts its values")'));
  await bothSchemes('choice of a type');
  await page.click(dialog('.type:has(strong:text-is("Number"))'));
  await page.click(dialog('button:has-text("See what would happen")'));
  await page.waitForSelector(dialog('.counts'));
  assert.deepEqual([await figure('kept'), await figure('changed'), await figure('lost')], ['2', '1', '1']);
  await page.waitForSelector(dialog('td:text-is("00501") + td:text-is("501")'));
  await page.waitForSelector(dialog('td:text-is("x-9") + td:has-text("is not a number")'));
  await says('1 record has no value here');
  await bothSchemes('what a change of type would do');
  assert.ok(await page.isDisabled(dialog('button:has-text("Change the type")')));
  assert.deepEqual(await zips(), ['00501', '12', 'x-9', '77', null], 'a trial writes nothing');
  // A step back keeps what was chosen.
  await page.click(dialog('button:has-text("Back")'));
  await page.waitForSelector(dialog('#type-name:has-text("Number")'));
  await page.keyboard.press('Enter');
  await page.check(dialog('input[type=checkbox]'));
  await page.click(dialog('button:has-text("Change the type")'));
  await page.waitForSelector(dialog('[data-job-state=done]'));
  await says('Zip is of type Number now. 1 value became empty.');
  await assertAccessible(page, 'a change of type that is done');
  assert.deepEqual(await zips(), [501, 12, null, 77, null]);
  await shows(page, 0, 1, '501');

  await page.click(dialog('button:has-text("Undo: change it back")'));
  await page.waitForSelector(dialog('[data-figure=restored]'));
  assert.deepEqual([await figure('restored'), await figure('lost')], ['1', '0']);
  await page.click(dialog('button:has-text("Change the type")'));
  await page.waitForSelector(dialog('[data-job-state=done]'));
  await page.click(dialog('button:has-text("Close") >> nth=-1'));
  await gone();
  assert.deepEqual(await zips(), ['00501', '12', 'x-9', '77', null]);
  await shows(page, 2, 1, 'x-9');
});

test('texts become options, what stands twice in a unique column refuses, and the columns page leads there by keyboard alone', async () => {
  await page.goto(`${base}/t/${people.slug}/columns`);
  await page.focus('button[aria-label="More about Zip"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=menuitem]:has-text("Change type")');
  await page.focus('[role=menuitem]:has-text("Change type")');
  await page.keyboard.press('Enter');
  await page.waitForSelector(dialog('.types'));
  await page.focus(dialog('.type:has(strong:text-is("Single select"))'));
  await page.keyboard.press('Enter');
  await page.focus(dialog('button:has-text("See what would happen")'));
  await page.keyboard.press('Enter');
  await page.waitForSelector(dialog('.kinds .pill:text-is("00501")'));
  assert.equal(await figure('lost'), '0');
  await page.waitForFunction(() => document.activeElement?.textContent === 'Cancel');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector(dialog('[data-job-state=done]'));
  await page.keyboard.press('Escape');
  await gone();
  await page.waitForSelector('.column-list li:has-text("Zip"):has-text("Single select")');
  assert.deepEqual((await columnOf(people, 'zip')).options.map((one) => one.name).sort(), ['00501', '12', '77', 'x-9']);

  const unique = await make('Unique', [{ name: 'Code', slug: 'code', fieldType: 'text', isPrimary: true, validation: { unique: true } }]);
  await fill(unique, [{ code: '7' }, { code: '07' }]);
  await page.goto(`${base}/t/${unique.slug}/columns`);
  await page.click('button[aria-label="Edit Code"]');
  await page.click(dialog('button:has-text("Change type")'));
  await page.click(dialog('.type:has(strong:text-is("Number"))'));
  await page.click(dialog('button:has-text("See what would happen")'));
  await page.waitForSelector(dialog('.problem'));
  assert.ok(await page.isDisabled(dialog('button:has-text("Change the type")')));
  await page.keyboard.press('Escape');
  await gone();
});

test('options become one with their count, and each merge is taken back', async () => {
  await openTable(page, people.slug);
  await page.click('button[aria-label="Menu of column Stage"]');
  await page.click('[role=menuitem]:has-text("Merge options")');
  await page.click(dialog('input[placeholder="Choose the one that stays"]'));
  await page.click('[role=option]:visible >> nth=0');
  await page.check(dialog('li:has-text("open") >> nth=1 >> input'));
  await page.check(dialog('li:has-text("OPEN") >> nth=2 >> input'));
  await page.waitForSelector(dialog('[data-holds="open"]:text-is("2 records")'));
  await page.waitForSelector(dialog('[data-holds="OPEN"]:text-is("1 record")'));
  await bothSchemes('merging options');
  await page.click(dialog('button:has-text("Merge 2 options")'));
  await page.waitForSelector(dialog('.merged li:has-text("OPEN became Open in 1 record.")'));
  await page.waitForSelector(dialog('.merged li:has-text("open became Open in 2 records.")'));
  assert.deepEqual((await columnOf(people, 'stage')).options.map((one) => one.name), ['Open', 'Closed']);
  await page.click(dialog('.merged li:has-text("OPEN became") button'));
  await page.click('[role=dialog]:has-text("Take this back?") button:has-text("Undo")');
  await page.waitForSelector(dialog('.merged li:has-text("taken back")'));
  assert.ok((await columnOf(people, 'stage')).options.some((one) => one.name === 'OPEN'));
  await page.click(dialog('button:has-text("Close") >> nth=-1'));
  await gone();
});

test('the values of a column are counted, and one click shows the records of one', async () => {
  await openTable(page, people.slug);
  await page.click('button[aria-label="Menu of column Stage"]');
  await page.click('[role=menuitem]:has-text("Values")');
  await page.waitForSelector(dialog('tr:has-text("Open") td.num:text-is("3")'));
  await bothSchemes('values of a column');
  await page.fill(dialog('input[type=search]'), 'nobody is called so');
  await says('No record has these words.');
  await page.fill(dialog('input[type=search]'), '');
  await page.click(dialog('button[aria-label="Show the records with Open"]'));
  await page.waitForSelector('.toolbar-count:has-text("3 records")');
});

/** Asks for a file in the dialog that is open. */
async function exported(format, settle = async () => undefined) {
  await page.check(dialog(`input[value=${format}]`));
  await settle();
  const came = page.waitForEvent('download');
  await page.click(dialog('button:has-text("Export")'));
  const file = await came;
  await gone();
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}
const openExport = async () => {
  await page.click('button[aria-label="Import, export and more"]');
  await page.click('[role=menuitem]:has-text("Export")');
  await page.waitForSelector(dialog('input[value=csv]'));
};
const lines = ({ bytes }) => bytes.toString('utf8').trim().split(/\r?\n/);

test('everything, what a filter shows and what is ticked go into every form, with the columns that are shown and names of what they name', async () => {
  const orders = await make('Orders', [
    { name: 'No', slug: 'no', fieldType: 'text', isPrimary: true },
    { name: 'Who', slug: 'who', fieldType: 'relation', config: { table: people.slug } },
    { name: 'Note', slug: 'note', fieldType: 'text', isVisible: false },
  ]);
  const [ann, bob] = await recordsOf(page, people.slug);
  await fill(orders, [{ no: 'A', who: ann.id, note: '=1+1' }, { no: 'B', who: bob.id }, { no: 'C' }]);
  await openTable(page, orders.slug);
  await openExport();
  await bothSchemes('export');
  const csv = await exported('csv');
  assert.equal(csv.name, `${orders.slug}.csv`);
  assert.deepEqual(lines(csv), ['No,Who,"Note"', `A,Ann,"'=1+1"`, 'B,Bob,', 'C,,']);

  await openExport();
  const shown = await exported('csv', async () => {
    await page.check(dialog('input[value=shown]'));
    await page.check(dialog('label:has-text("With the id of each record")'));
    await page.click(dialog('input[value="By name"]'));
    await page.getByRole('option', { name: 'By id', exact: true }).click();
  });
  assert.equal(lines(shown)[0].replaceAll('"', ''), 'id,No,Who');
  assert.ok(lines(shown)[1].endsWith(`A,${ann.id}`));

  const filter = encodeURIComponent(JSON.stringify({ filter: { operator: 'and', filters: [{ column: 'no', operator: 'in', value: ['A', 'C'] }] } }));
  await page.goto(`${base}/t/${orders.slug}?view=${filter}`);
  await page.waitForSelector('.toolbar-count:has-text("2 records")');
  await openExport();
  const objects = lines(await exported('ndjson')).map((line) => JSON.parse(line));
  assert.deepEqual(objects.map((one) => [one.no, one.who]), [['A', 'Ann'], ['C', null]]);
  await openExport();
  const book = await exported('xlsx', () => page.check(dialog('input[value=all]')));
  assert.equal(book.bytes.subarray(0, 2).toString(), 'PK');

  // The workbook comes back as a table of its own.
  await page.goto(`${base}/new?from=file`);
  await page.setInputFiles('input[type=file]', { name: `book ${stamp}.xlsx`, mimeType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', buffer: book.bytes });
  await page.click('button:has-text("Straight to the check")');
  await page.waitForSelector('button:has-text("Import 3 rows")');

  await openTable(page, orders.slug);
  await page.focus('#cell-1-0');
  await page.locator('#cell-1-0').click();
  await page.keyboard.press('Shift+Space');
  await page.click('.bulk button:has-text("Export")');
  const ticked = await exported('csv');
  assert.equal(ticked.name, `${orders.slug}-selection.csv`);
  assert.deepEqual(lines(ticked).map((line) => line.split(',')[0]), ['No', 'B']);
});

test('more ticked records than one address takes go into one file, in parts; a workbook says why not', async () => {
  const many = await makeTable(page, 230);
  await openTable(page, many.slug);
  await page.click('.head-gutter input');
  await page.waitForSelector('.bulk:has-text("230 selected")');
  // Everything but some is asked for by what is left out.
  await page.locator('#cell-0-0').click();
  await page.keyboard.press('Shift+Space');
  await page.waitForSelector('.bulk:has-text("229 selected")');
  await page.click('.bulk button:has-text("Export")');
  await page.waitForSelector(dialog('input[value=csv]'));
  const names = async (file) => lines(await file).slice(1).map((line) => line.split(',')[0]);
  const but = await names(exported('csv'));
  assert.deepEqual([but.length, but[0]], [229, 'Row 0002']);

  await page.click('.bulk button[aria-label="Clear selection"]');
  await page.locator('#cell-0-0').click();
  for (let i = 0; i < 6; i++) await page.keyboard.press('Shift+PageDown');
  await page.keyboard.press('Shift+Space');
  const ticked = Number((await page.textContent('.bulk strong')).split(' ')[0]);
  assert.ok(ticked > 100, `${ticked} are more than one address takes`);
  await page.click('.bulk button:has-text("Export")');
  await page.check(dialog('input[value=xlsx]'));
  await says('At most 100 ticked records go into a file of this kind.');
  assert.ok(await page.isDisabled(dialog('button:has-text("Export")')));
  const some = await names(exported('csv'));
  assert.deepEqual([some.length, some[0], some.at(-1)], [ticked, 'Row 0001', `Row ${String(ticked).padStart(4, '0')}`]);
});

test('an export that fails says so and leaves the dialog as it was', async () => {
  await openTable(page, people.slug);
  await openExport();
  await page.route('**/export/csv**', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ title: 'Busy', status: 503, code: 'unavailable', detail: 'Too many exports at once.' }) }));
  await page.click(dialog('button:has-text("Export")'));
  await page.waitForSelector(dialog('.problem:has-text("Too many exports at once.")'));
  await page.unroute('**/export/csv**');
  await page.keyboard.press('Escape');
  await gone();
  session.faults.splice(0, Infinity, ...session.faults.filter((one) => !one.includes('status of 503')));
});

test('the export of a whole table makes the same table again, under another name where the name is taken', async () => {
  await openTable(page, people.slug);
  await openExport();
  const whole = await exported('json');
  const put = async (buffer, name = 'whole.json') => {
    await page.goto(`${base}/new?from=file`);
    await page.setInputFiles('input[type=file]', { name, mimeType: 'application/json', buffer });
  };
  await put(whole.bytes.subarray(0, whole.bytes.length - 20), 'half.json');
  await page.waitForSelector('.problem:has-text("may have been cut short")');
  await put(whole.bytes);
  await page.waitForSelector('h2:has-text("This is a whole table")');
  await page.waitForSelector(`text=The export of ${people.name}: 3 columns and 5 records.`);
  assert.equal(await page.inputValue('.whole input'), `${people.name} 2`);
  await bothSchemes('a whole table');
  await page.fill('.whole input', people.name);
  await page.waitForSelector(`.whole >> text=A table “${people.name}” exists already`);
  await page.fill('.whole input', `Again ${stamp}`);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.toolbar-count:has-text("5 records")');
  const again = (await api(page, 'GET', '/api/tables?limit=1000')).tables.find((one) => one.name === `Again ${stamp}`);
  const data = async (slug) => (await recordsOf(page, slug)).map((one) => [one.id, one.data.name, one.data.zip, one.data.stage]);
  assert.deepEqual(await data(again.slug), await data(people.slug));
});

test('what a table is called, how its records are named and how long they live is set on its page', async () => {
  const table = await makeTable(page, 2);
  const path = `/api/tables/${table.slug}`;
  await page.goto(`${base}/`);
  await page.click(`button[aria-label="Menu of ${table.name}"]`);
  await page.click('[role=menuitem]:has-text("Rename, settings")');
  await page.waitForSelector('h1:has-text("Settings of")');
  await bothSchemes('settings of a table');
  assert.ok(await page.isDisabled('main button[type=submit]'));
  const name = `Renamed ${stamp}`;
  await page.getByLabel('Name', { exact: false }).first().fill(name);
  await page.getByLabel('Description').fill('What it is for');
  await page.click('[role=radio][aria-label="Sign plane"]');
  await page.click('[role=radio][aria-label="Violet"]');
  await page.getByLabel('How a record is called').fill('{nope}');
  await page.click('main button[type=submit]');
  await page.waitForSelector('main >> text=There is no column "nope"');
  await page.getByLabel('How long records live').fill('soon');
  await page.getByLabel('How a record is called').fill('No. ');
  await page.click('[role=group][aria-label="Put in"] button:has-text("Amount")');
  await page.click('main button[type=submit]');
  await page.waitForSelector('main >> text=Invalid TTL format');
  await page.getByLabel('How long records live').fill('90 d');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.toast:has-text("Saved.")');
  const saved = await api(page, 'GET', path);
  assert.deepEqual([saved.name, saved.description, saved.icon, saved.color, saved.settings.recordNameTemplate, saved.settings.ttl], [name, 'What it is for', 'plane', 'violet', 'No. {amount}', 90 * 86_400_000]);
  assert.equal(await page.getByLabel('How long records live').inputValue(), '90d');
  await page.getByLabel('How long records live').fill('');
  await page.getByLabel('How a record is called').fill('');
  await page.getByLabel('Records show their history').press('Space');
  await page.getByLabel('Columns may hold files').press('Space');
  // The button is off while it saves too: what was answered says that it did.
  const kept = page.waitForResponse((one) => one.request().method() === 'PATCH' && one.ok());
  await page.click('main button[type=submit]');
  await kept;
  await page.waitForFunction(() => document.querySelector('main button[type=submit]').disabled);
  const plain = await api(page, 'GET', path);
  assert.deepEqual([plain.settings.recordNameTemplate ?? null, plain.settings.ttl ?? null], [null, null]);
  assert.deepEqual([plain.settings.enableRevisions, plain.settings.enableAttachments], [false, false]);
  const [record] = await recordsOf(page, table.slug);
  await page.goto(`${base}/t/${table.slug}/r/${record.id}`);
  await page.waitForSelector('[role=dialog] form');
  assert.equal(await page.locator('[role=dialog] [role=tab]').count(), 0);
  await page.goto(`${base}/t/${table.slug}/columns`);
  await page.click('main button:has-text("Add column")');
  await page.waitForSelector(dialog('[role=radio][aria-disabled=true]:has-text("holds no files")'));
  await page.goto(`${base}/t/${table.slug}/settings`);
  await page.waitForSelector('h1:has-text("Settings of")');

  await page.click('main button:has-text("Delete table")');
  await says('waits in the trash with all that it holds');
  await page.click(dialog('button:has-text("Delete table")'));
  await page.waitForSelector(`.toast:has-text("${name} was deleted.")`);
  await page.waitForSelector('h1:has-text("Tables")');
  assert.ok(!(await api(page, 'GET', '/api/tables?limit=1000')).tables.some((one) => one.name === name));
});

test('a deleted table comes back: by the message that it went, and from the trash; for good it goes after its name is typed', async () => {
  const table = await makeTable(page, 3);
  const there = async () => (await api(page, 'GET', '/api/tables?limit=1000')).tables.some((one) => one.id === table.id);
  const remove = async () => {
    await page.click('main button:has-text("Delete table")');
    await page.click(dialog('button:has-text("Delete table")'));
    await page.waitForSelector(`.toast:has-text("${table.name} was deleted.")`);
    assert.ok(!(await there()));
  };
  await page.goto(`${base}/t/${table.slug}/settings`);
  await remove();
  await page.click(`.toast:has-text("${table.name} was deleted.") button:has-text("Undo")`);
  await page.waitForSelector(`.toast:has-text("${table.name} is back.")`);
  await page.waitForSelector(`main a:has-text("${table.name}")`);
  assert.equal((await recordsOf(page, table.slug)).length, 3);

  await page.goto(`${base}/t/${table.slug}/settings`);
  await remove();
  await page.goto(`${base}/trash`);
  await page.waitForSelector(`.deleted-tables td:has-text("${table.name}")`);
  await bothSchemes('deleted tables');
  await page.focus(`button[aria-label="Restore ${table.name}"]`);
  await page.keyboard.press('Enter');
  await page.waitForSelector(`.toast:has-text("${table.name} is back.")`);
  await page.waitForSelector(`.deleted-tables td:has-text("${table.name}")`, { state: 'detached' });
  await page.waitForFunction(() => ['H1', 'H2', 'MAIN'].includes(document.activeElement?.tagName));
  assert.equal((await recordsOf(page, table.slug)).length, 3);

  await page.goto(`${base}/t/${table.slug}/settings`);
  await remove();
  await page.goto(`${base}/trash`);
  await page.click(`button[aria-label="Delete for good: ${table.name}"]`);
  await says('This cannot be undone.');
  assert.ok(await page.isDisabled(dialog('button:has-text("Delete for good")')));
  await page.fill(dialog('input'), table.name);
  await page.click(dialog('button:has-text("Delete for good")'));
  await page.waitForSelector(`.toast:has-text("${table.name} is gone for good.")`);
  assert.ok(!(await api(page, 'GET', '/api/tables?deleted=true')).tables.some((one) => one.id === table.id));
});

test('a column says in its own words why a value is refused', async () => {
  const table = await make('Worded', [{ name: 'Mail', slug: 'mail', fieldType: 'email', isPrimary: true }]);
  await page.goto(`${base}/t/${table.slug}/columns`);
  await page.click('button[aria-label="Edit Mail"]');
  await page.getByLabel('What to say when a value is refused').fill('Please give the address at work.');
  await bothSchemes('editor of a column');
  await page.click(dialog('button[type=submit]'));
  await gone();
  assert.equal((await columnOf(table, 'mail')).validation.customErrorMessage, 'Please give the address at work.');
  await page.goto(`${base}/t/${table.slug}`);
  await page.click('main button:has-text("Record") >> nth=0');
  await page.fill('#field-mail', 'nonsense');
  await page.click('button[type=submit]:has-text("Save")');
  await page.waitForSelector('.record-form >> text=Please give the address at work.');
  await page.keyboard.press('Escape');
  await page.click('button:has-text("Leave without saving")');
});

test('records are deleted for good from the trash', async () => {
  const table = await makeTable(page, 3);
  const [first, second] = await recordsOf(page, table.slug);
  await api(page, 'POST', `/api/tables/${table.slug}/records/bulk-delete`, { recordIds: [first.id, second.id] });
  await page.goto(`${base}/t/${table.slug}/trash`);
  await page.check(`tbody tr:has-text("${first.data.name}") input[type=checkbox]`);
  await page.click('button:has-text("Delete for good")');
  await says('This cannot be undone.');
  await page.click(dialog('button:has-text("Delete for good")'));
  await page.waitForSelector(`td:has-text("${first.data.name}")`, { state: 'detached' });
  const left = (await api(page, 'GET', `/api/tables/${table.slug}/trash`)).records;
  assert.deepEqual(left.map((one) => one.id), [second.id]);
});

test('workspaces are made, renamed and deleted, and a table is copied into one', async () => {
  await page.goto(`${base}/settings/workspaces`);
  await page.waitForSelector('.workspaces');
  await page.click('button:has-text("Add workspace")');
  await page.fill(dialog('input'), `Side ${stamp}`);
  await page.keyboard.press('Enter');
  await gone();
  await page.click(`button[aria-label="Menu of Side ${stamp}"]`);
  await page.click('[role=menuitem]:has-text("Change the workspace")');
  await page.fill(dialog('input'), `Other ${stamp}`);
  await page.fill(dialog('textarea'), 'For trials');
  await page.click(dialog('button[type=submit]'));
  await gone();
  await page.waitForSelector(`tr:has-text("Other ${stamp}"):has-text("For trials")`);
  await page.click('button[aria-label="Show the tables of Default"]');
  await page.click(`button[aria-label="Copy to… another workspace: ${people.name}"]`);
  await page.click(dialog('[aria-haspopup=listbox]'));
  await page.click(`[role=option]:visible:has-text("Other ${stamp}")`);
  await bothSchemes('copy of a table');
  await page.click(dialog('button[type=submit]'));
  await gone();
  await page.click(`button[aria-label="Show the tables of Other ${stamp}"]`);
  await page.waitForSelector(`.within li:has-text("${people.name}"):has-text("5 records")`);
  await bothSchemes('workspaces');
  await page.click(`button[aria-label="Menu of Other ${stamp}"]`);
  await page.click('[role=menuitem]:has-text("Delete workspace")');
  await says('Its 1 table and all their records go with it');
  await page.fill(dialog('input'), `Other ${stamp}`);
  await page.click(dialog('button:has-text("Delete workspace")'));
  await page.waitForSelector(`tr:has-text("Other ${stamp}")`, { state: 'detached' });
});

test('nothing of all this left an error or broke the content policy', async () => {
  await assertClean(session);
});
