// The built client in a real browser: the same modules, loaded as they are, without a bundler.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { key, url, withTasks } from './place.js';

const DIST = new URL('../../dist/', import.meta.url);

test('a page inserts, follows a live list and an event, and runs a transaction', async () => {
  const { store, tasks } = await withTasks();
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    // On a page of the server itself: from one that is made up here, Chromium reaches no server of a local network.
    await page.route('**/client/**', async (route) => {
      const name = new URL(route.request().url()).pathname.replace('/client/', '');
      await route.fulfill({ contentType: 'text/javascript', body: await readFile(fileURLToPath(new URL(name, DIST)), 'utf8') });
    });
    await page.goto(url);
    const seen = await page.evaluate(
      async ([secret, name]) => {
        const module = '/client/index.js';
        const { Store } = (await import(module)) as typeof import('@chancery/client');
        const inside = await Store.start({ key: secret as string, name: name as string });
        const bucket = inside.bucket('tasks');
        const lists: string[] = [];
        const events: string[] = [];
        await inside.on('bucket.tasks.*', (event) => void events.push(event.type));
        await bucket.live({ sort: { title: 'asc' } }, (list) => {
          lists.push(list.map((task) => task['title'] as string).join(' '));
        });
        const task = await bucket.insert({ title: 'from the page' });
        await inside.transaction((tx) => tx.bucket('tasks').update(task['id'] as string, { title: 'in a transaction' }));
        await inside.settle();
        await inside.stop();
        return { lists, events };
      },
      [key, store.name],
    );
    assert.deepEqual(seen, { lists: ['', 'from the page', 'in a transaction'], events: ['inserted', 'updated'] });
    assert.deepEqual(faults, []);
    assert.equal((await tasks.all())[0]?.title, 'in a transaction');
  } finally {
    await browser.close();
  }
});
