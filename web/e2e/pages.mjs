// Every page of the application with something in it, by the routes of src/app.tsx. Judges nothing.
import { api, base, makeTable } from './support.mjs';

/** Judged elsewhere, or no page of their own. */
export const NOT_HERE = ['/setup', '/signin'];

/** Makes what the pages show. `byRoute` has the addresses by the pattern of their route, in the words of src/app.tsx. */
export async function everyPage(page) {
  const table = await makeTable(page, 3);
  const bare = await makeTable(page, 0);
  const at = `/t/${table.slug}`;
  const form = await api(page, 'POST', `/api/tables/${table.slug}/forms`, { name: 'A form', fields: [{ column: 'name' }] });
  const webhook = await api(page, 'POST', '/api/webhooks', { url: 'https://example.com/hook', topics: [] });
  await api(page, 'POST', '/api/api-keys', { name: 'A key', scope: 'none', grants: [{ table: table.id, scope: 'read' }] });
  const secret = await api(page, 'POST', '/api/vault/tokens', { value: 'kept', metadata: { app: 'pages' } });
  const [record] = (await api(page, 'GET', `/api/tables/${table.slug}/records`)).records;
  const gone = await api(page, 'POST', `/api/tables/${table.slug}/records`, { data: { name: 'Thrown away' } });
  await api(page, 'DELETE', `/api/tables/${table.slug}/records/${gone.id}`);
  const lost = await makeTable(page, 1, { name: 'Thrown away' });
  await api(page, 'DELETE', `/api/tables/${lost.slug}`);
  await api(page, 'DELETE', `/api/tables/${table.slug}/columns/notes`);
  await page.goto(`${base}${at}/import`);
  await page.setInputFiles('input[type=file]', { name: 'more.csv', mimeType: 'text/csv', buffer: Buffer.from('name,amount\nOne,1\n') });
  await page.waitForSelector('.preview');
  const [, draft] = /imports\/([^?]+)/.exec(page.url());
  const byRoute = {
    '/': ['/'],
    '/new': ['/new', '/new?from=file'],
    '/t/:table': [at],
    '/t/:table/r/:record': [`${at}/r/${record.id}`],
    '/t/:table/columns': [`${at}/columns`],
    '/t/:table/settings': [`${at}/settings`],
    '/t/:table/import': [`${at}/import`],
    '/imports/:id': [`/imports/${draft}?step=preview`, `/imports/${draft}?step=map`, `/imports/${draft}?step=rules`],
    '/t/:table/duplicates': [`${at}/duplicates`],
    '/t/:table/forms': [`${at}/forms`],
    '/t/:table/forms/:form': [`${at}/forms/${form.id}`, `${at}/forms/new`],
    '/t/:table/trash': [`${at}/trash`],
    '/trash': ['/trash'],
    '/activity': ['/activity'],
    '/vault/*?': ['/vault', '/vault/audit', '/vault/keys', '/vault/jobs', '/vault/nothing', `/vault/s/${secret.id}`],
    '/keys': ['/keys'],
    '/users': ['/users'],
    '/webhooks/:id?': ['/webhooks', `/webhooks/${webhook.id}`],
    '/jobs': ['/jobs'],
    '/settings/*?': ['/settings', '/settings/metrics', '/settings/backup', '/settings/keyboard', '/settings/workspaces', '/settings/nothing'],
    '/nowhere': ['/nowhere'],
  };
  return { table, bare, form, record, secret, webhook, at, byRoute, paths: Object.values(byRoute).flat() };
}

/** Waits until a page has its heading and something to say, and loads no more. */
export async function settled(on) {
  await on.waitForFunction(() => {
    const main = document.querySelector('main');
    return main?.querySelector('h1') && !main.querySelector('.loading, .mantine-Loader-root') && main.innerText.trim().length > 10;
  });
}
