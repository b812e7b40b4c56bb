// Set-up by the one-time link, sign-out, sign-in with a wrong and with the right password.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account, assertClean, base, launch, signIn } from './support.mjs';

test('the one-time link makes the first account, and the account signs in again', async () => {
  const session = await launch();
  const { page, browser } = session;
  try {
    if (process.env.CHANCERY_SETUP_URL) {
      await page.goto(process.env.CHANCERY_SETUP_URL);
      await page.fill('input[name=name]', account.name);
      await page.fill('input[name=email]', account.email);
      await page.fill('input[name=password]', account.password);
      await page.click('button[type=submit]');
      await page.waitForSelector('.shell');
    } else await signIn(page);
    await page.click('button[aria-label^="Account of"]');
    await page.click('text=Sign out');
    await page.waitForSelector('input[name=password]');
    await page.fill('input[name=email]', account.email);
    await page.fill('input[name=password]', 'wrong');
    await page.click('button[type=submit]');
    await page.waitForSelector('.problem');
    assert.match(await page.textContent('.problem'), /wrong/i);
    await signIn(page);
    await page.goto(`${base}/setup`);
    await page.waitForSelector('text=one-time link');
    await assertClean(session);
  } finally {
    await browser.close();
  }
});
