// What can be done with a keyboard: goes through a page by Tab alone and says what is out of reach, out of sight or without a sign of the focus; and
// the keys a person presses to come to something. No mouse.
import assert from 'node:assert/strict';

/** Enough for the longest page; who has not come round by then is held somewhere. */
const TABS_MAX = 400;
/** So many are pressed before it is asked whether the way round is done. */
const TABS_AT_ONCE = 20;
/** So long the focus may take to move, and so often it is asked to: the menu may not be there for keys yet. */
const STEP_MS = 700;
const STEP_TRIES = 2;
/** So long what was chosen may take to be shown. */
const SETTLED_MS = 5_000;
/** So long nothing was added or taken away. */
const CALM_MS = 120;

/** Lives in the page: looks at each stop of the Tab key when the next one is pressed, so that all has come to rest. */
function inPage() {
  const CONTROL =
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [contenteditable=true], [role=button], [role=link], [role=tab], [role=option], ' +
    '[role^=menuitem], [role=switch], [role=checkbox], [role=radio], [role=slider], [role=spinbutton], [role=combobox], [role=treeitem]';
  /** Of these one member takes the focus, and the arrows go to the others. */
  const COMPOSITE = '[role=tablist], [role=menu], [role=listbox], [role=radiogroup], [role=tree]';
  const SMALLEST_PX = 8;
  const short = (text) => text.replace(/\s+/g, ' ').trim().slice(0, 60);

  /** What is read out of it, without what is hidden from readers. */
  const said = (node) =>
    node.nodeType === Node.TEXT_NODE ? node.data : node.getAttribute?.('aria-hidden') === 'true' ? '' : (node.getAttribute?.('aria-label') ?? [...node.childNodes].map(said).join(' '));
  const name = (el) => {
    if (!el || el === document.body) return '';
    const by = (el.getAttribute('aria-labelledby') ?? '').split(/\s+/).filter(Boolean);
    const own = el.matches('input, select, textarea') ? '' : [...el.childNodes].map(said).join(' ');
    const labels = [...(el.labels ?? [])].map((one) => [...one.childNodes].map(said).join(' ')).join(' ');
    const found = [el.getAttribute('aria-label') ?? '', by.map((id) => said(document.getElementById(id) ?? new Text())).join(' '), labels, own, el.title, el.placeholder ?? ''];
    return (found.find((one) => one.trim() !== '') ?? '').replace(/\s+/g, ' ').trim();
  };
  const told = (el) => {
    const role = el.getAttribute('role');
    const kind = el.className && typeof el.className === 'string' ? `.${el.className.split(' ').filter((one) => !one.startsWith('m_') && !/^mantine-[a-z0-9]+$/.test(one)).slice(0, 2).join('.')}` : '';
    return `${el.tagName.toLowerCase()}${role ? `[role=${role}]` : ''}${kind} “${short(name(el))}”`;
  };

  const seen = (el) => {
    const box = el.getBoundingClientRect();
    return box.width >= SMALLEST_PX && box.height >= SMALLEST_PX && el.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  /** What a person sees of something that has the focus: a kit hides the input of a switch and draws its label. */
  const shownOf = (el) => {
    const active = el.getAttribute('aria-activedescendant');
    const inside = active && document.getElementById(active);
    if (inside && seen(inside)) return inside;
    for (const one of [el, ...(el.labels ?? [])]) if (seen(one)) return one;
    let up = el.parentElement;
    while (up && !seen(up)) up = up.parentElement;
    return up ?? el;
  };
  const OUTSIDE = ['outlineColor', 'outlineWidth', 'boxShadow', 'borderTopColor', 'borderBottomColor', 'borderLeftColor', 'borderTopWidth', 'borderBottomWidth'];
  const drawn = (el, pseudo) => {
    const style = getComputedStyle(el, pseudo);
    if (pseudo && style.content === 'none') return '';
    return `${style.outlineStyle === 'none' ? '' : `${style.outlineColor} ${style.outlineWidth}`} ${OUTSIDE.slice(2).map((one) => style[one]).join(' ')}`;
  };
  /** How it and what is around it are drawn. */
  const look = (el) => {
    const box = shownOf(el);
    const around = [el, box, box.parentElement, box.parentElement?.parentElement, el.parentElement, ...(el.parentElement?.children.length < 12 ? el.parentElement.children : [el.nextElementSibling])];
    return around.filter(Boolean).map((one) => [null, '::before', '::after'].map((pseudo) => drawn(one, pseudo)).join('|')).join('\n');
  };

  const state = { stops: [], first: null, round: false, faults: [], judged: new Set(), held: 0, last: null };
  const fault = (el, what) => state.faults.push(`${told(el)}: ${what}`);

  /** Of what is larger than the window, the part that whatever scrolls it lets through. */
  const scrolledPart = (box, rect) => {
    let { left, top, right, bottom } = rect;
    for (let one = box.parentElement; one; one = one.parentElement) {
      if (getComputedStyle(one).overflowY === 'visible') continue;
      const frame = one.getBoundingClientRect();
      [left, top] = [Math.max(left, frame.left), Math.max(top, frame.top)];
      [right, bottom] = [Math.min(right, frame.right), Math.min(bottom, frame.bottom)];
    }
    return { left, top, right, bottom };
  };

  const assertInSight = (el) => {
    const box = shownOf(el);
    const rect = box.getBoundingClientRect();
    if (!seen(box)) return fault(el, 'has the focus and cannot be seen');
    const whole = rect.width <= innerWidth && rect.height <= 0.8 * innerHeight;
    const out = rect.right < 1 || rect.bottom < 1 || rect.left > innerWidth - 1 || rect.top > innerHeight - 1;
    const beyond = rect.left < -2 || rect.top < -2 || rect.right > innerWidth + 2 || rect.bottom > innerHeight + 2;
    if (out || (whole && beyond)) return fault(el, `is outside of the window: ${Math.round(rect.left)}…${Math.round(rect.right)}, ${Math.round(rect.top)}…${Math.round(rect.bottom)}`);
    const mine = [el, box, ...(el.labels ?? [])];
    const inset = 3;
    const at = (from, to) => [from + inset, (from + to) / 2, to - inset];
    const part = whole ? rect : scrolledPart(box, rect);
    if (part.right <= part.left || part.bottom <= part.top) return fault(el, 'is scrolled out of sight');
    const points = at(part.left, part.right).flatMap((x) => at(part.top, part.bottom).map((y) => [x, y])).filter(([x, y]) => x >= 0 && y >= 0 && x < innerWidth && y < innerHeight);
    const over = points.map(([x, y]) => document.elementFromPoint(x, y)).filter((hit) => hit && !hit.closest('.toasts') && !mine.some((one) => one.contains(hit) || hit.contains(one)) && !(el.matches('input, textarea') && box.parentElement.contains(hit)));
    // A corner of it may be under something, as the end of a text is under the button that clears it. Messages pass, and F6 comes to them.
    if (over.length * 2 > points.length) return fault(el, `is covered by ${told(over[0])}`);
    return undefined;
  };

  addEventListener('focusin', (event) => {
    if (!state.on) return;
    const el = event.target;
    if (el === state.first && state.stops.length > 1) state.round = true;
    state.first ??= el;
    if (!state.stops.includes(el)) state.stops.push(el);
  }, true);
  addEventListener('keydown', (event) => {
    if (!state.on || event.key !== 'Tab' || state.round) return;
    const el = document.activeElement;
    // A heading that was given the focus is nothing to come back to.
    if (!el || el === document.body || el.tabIndex < 0) return;
    const at = `${el.getAttribute('aria-activedescendant')}`;
    const parts = el.matches('input[type=date], input[type=time], input[type=datetime-local]') ? 10 : 2;
    state.held = state.last === el && state.lastAt === at ? state.held + 1 : 0;
    // In a dialog there may be nothing else.
    if (state.held === parts && state.stops.length === 1 && el.closest('[role=dialog]')) state.round = true;
    else if (state.held === parts) fault(el, 'does not let the focus go by Tab');
    [state.last, state.lastAt] = [el, at];
    if (state.judged.has(el)) return;
    state.judged.add(el);
    if (el.tabIndex > 0) fault(el, 'has a place of its own in the order');
    assertInSight(el);
    el.lookFocused = look(el);
  }, true);
  addEventListener('focusout', (event) => {
    const el = event.target;
    if (!state.on || el.lookFocused === undefined) return;
    if (el.lookFocused === look(el) && !el.judgedLook) fault(el, 'looks the same with and without the focus');
    el.judgedLook = true;
  }, true);

  /** What React would call when it is clicked. */
  const clickable = (el) => {
    const found = Object.keys(el).find((one) => one.startsWith('__reactProps$'));
    const props = found && el[found];
    return Boolean(props && (props.onClick || props.onDoubleClick));
  };
  const usable = (el) =>
    el.checkVisibility({ visibilityProperty: true }) && el.getClientRects().length > 0 && !el.closest('[inert], [disabled], [aria-disabled=true], fieldset:disabled') &&
    getComputedStyle(el).pointerEvents !== 'none';

  const outOfReach = (within, otherwise) => {
    const reached = new Set(state.stops);
    // What is drawn inside of a button is pressed with it; what stands in a grid or a list that scrolls is not.
    const near = (el) => {
      for (let one = el; one; one = one.parentElement) if (reached.has(one) && (one === el || one.matches(CONTROL))) return true;
      return false;
    };
    const missed = [];
    for (const el of within.querySelectorAll('*')) {
      const control = el.matches(CONTROL);
      if (!(control || clickable(el)) || !usable(el) || near(el)) continue;
      if (el.matches('label') && (!el.control || near(el.control) || el.control.type === 'radio')) continue;
      if (el.type === 'radio' && state.stops.some((one) => one.type === 'radio' && one.name === el.name)) continue;
      const composite = el.closest(COMPOSITE);
      if (composite && state.stops.some((one) => composite.contains(one) || (composite.id && one.getAttribute('aria-controls') === composite.id))) continue;
      if (otherwise.some((selector) => el.matches(selector))) continue;
      missed.push(`${told(el)} is out of reach: ${el.outerHTML.slice(0, 120)}`);
    }
    return missed;
  };

  const still = new CSSStyleSheet();
  still.replaceSync('*, *::before, *::after { transition: none !important; animation: none !important; scroll-behavior: auto !important; }');

  globalThis.keys = {
    name,
    start() {
      document.adoptedStyleSheets = [still];
      // What had the focus before may have been scrolled away since.
      const here = document.activeElement.closest('[role=dialog]') ? document.activeElement : document.activeElement.blur();
      Object.assign(state, { on: true, stops: here ? [here] : [], first: here ?? null, round: false, faults: [], judged: new Set(), held: 0, last: null });
    },
    round: () => state.round,
    stops: () => state.stops.map(told),
    end(selector, otherwise) {
      state.on = false;
      return { stops: state.stops.map(told), faults: [...new Set([...state.faults, ...outOfReach(selector === 'dialog' ? document.activeElement.closest('[role=dialog]') : document.querySelector(selector), otherwise)])] };
    },
  };
}

/** To be called before the page is loaded. */
export const watchKeys = (context) => context.addInitScript(inPage);

/** What is clicked and not come to by Tab, since it is done with other keys; each of them is pressed in a test. */
export const OTHERWISE = {
  '.grid .head-gutter input': 'Ctrl+A and Shift+Space tick all records',
  '.grid .gutter input': 'Shift+Space ticks a record',
  '.grid .gutter button': 'Space opens a record',
  '.grid .head-menu': 'Alt+↓ opens the menu of a column',
  '.grid .head-resize': 'the menu of a column has its width',
  '.grid .head-add button': 'the panel of fields adds a column',
  '.grid .add-row button': 'Shift+Enter adds a record',
  '.grid .foot-cell button': 'the menu of a column has its figures',
  '.mantine-NumberInput-control': 'arrows up and down count in the input',
  '.mantine-MultiSelect-input': 'is around the input that takes the focus',
  'input[type=file]': 'a button beside it opens it',
  '.mantine-Modal-overlay, .mantine-Drawer-overlay': 'Escape closes',
};

/** Goes round by Tab, or back by Shift+Tab. Answers what had the focus; nothing may be out of reach, out of sight or hold it. */
export async function goRound(page, where, { within = 'body', back = false } = {}) {
  await page.evaluate(() => globalThis.keys.start());
  const tab = () => page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
  // At the end of a page the browser takes the focus and brings it back a moment later, wherever it is by then: only one press may be under way there.
  for (let tries = 0, inside = false; tries < STEP_TRIES && !inside; tries++) {
    await tab();
    inside = await page.waitForFunction(() => document.activeElement !== document.body, null, { timeout: STEP_MS, polling: 20 }).then(() => true, () => false);
  }
  let round = false;
  for (let pressed = 0; pressed < TABS_MAX && !round; pressed += TABS_AT_ONCE) {
    await Promise.all(Array.from({ length: TABS_AT_ONCE }, tab));
    round = await page.evaluate(() => globalThis.keys.round());
  }
  const found = await page.evaluate(([selector, otherwise]) => globalThis.keys.end(selector, otherwise), [within, Object.keys(OTHERWISE)]);
  assert.ok(round, `${where}: ${TABS_MAX} times Tab do not lead round:\n${found.stops.join('\n')}`);
  return found;
}

const LAYER = '[role=dialog], [role=menu]';

/** What has the focus, by name. */
export const focused = (page) => page.evaluate(() => globalThis.keys.name(document.activeElement));

/** Whether the focus is inside of something that was opened, or outside with nothing open. */
async function focusIs(page, opened, what) {
  await page
    .waitForFunction(
      ([layer, open]) => {
        const layers = [...document.querySelectorAll(layer)].filter((one) => one.checkVisibility());
        return open ? document.activeElement?.closest(layer) && layers.length > 0 : layers.length === 0 && document.activeElement !== document.body;
      },
      [LAYER, opened],
      { timeout: 5_000, polling: 20 },
    )
    .catch(async () => assert.fail(`${what}: the focus is ${opened ? 'not inside' : 'lost'}: “${await focused(page)}”`));
}

/** Waits until nothing comes any more. */
export const calm = (page) =>
  page.evaluate(
    (still) =>
      new Promise((done) => {
        let timer = setTimeout(done, still);
        new MutationObserver(() => {
          clearTimeout(timer);
          timer = setTimeout(done, still);
        }).observe(document.body, { subtree: true, childList: true });
      }),
    CALM_MS,
  );

/** The kit moves the focus and marks what is chosen in timers, once more after it did so first: nobody is as quick as that. */
const atRest = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));

/** Gives the focus to a button by its name: that Tab comes to it is shown by going round. */
const focusOn = (page, name) =>
  page
    .waitForFunction(
      (wanted) => {
        const found = [...document.querySelectorAll('button, a[href], [role=grid]')].filter((one) => one.tabIndex >= 0 && one.checkVisibility() && globalThis.keys.name(one) === wanted);
        found.at(-1)?.focus();
        return found.length > 0 && document.activeElement === found.at(-1);
      },
      name,
      { timeout: 5_000, polling: 20 },
    )
    .catch(() => assert.fail(`no ${name} to press`));

async function stepDown(page) {
  for (let tries = 0; tries < STEP_TRIES; tries++) {
    const before = await page.evaluateHandle(() => document.activeElement);
    await page.keyboard.press('ArrowDown');
    const moved = page.waitForFunction((one) => document.activeElement !== one, before, { timeout: STEP_MS, polling: 20 });
    if (await moved.then(() => true, () => false)) return;
  }
}

/** Presses the arrow down in a menu until an entry has the focus; answers all entries that had it. */
async function downTo(page, name) {
  const seen = [];
  for (let at = await focused(page); !seen.includes(at); at = await focused(page)) {
    if (at === name) return seen;
    seen.push(at);
    await stepDown(page);
  }
  assert.equal(name, undefined, `no entry ${name} among ${seen}`);
  return seen;
}

/**
 * Opens something by keyboard: `ways` are the name of a button, or of what takes a key and that key, then entries of menus. Everything in it is come to,
 * Escape closes it, and the focus goes back to where it came from.
 */
export async function openAndClose(page, where, [opener, ...entries]) {
  const [name, key] = Array.isArray(opener) ? opener : [opener, 'Enter'];
  const what = `${where}: ${[name, ...entries].join(' > ')}`;
  // The one before fades out.
  await page.waitForFunction(() => !document.querySelector('[role=menu]'));
  await focusOn(page, name);
  await page.keyboard.press(key);
  await focusIs(page, true, what);
  await atRest(page);
  for (const entry of entries) {
    await downTo(page, entry);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.closest('[role=dialog]')?.checkVisibility() && document.querySelector('[role=menu]') === null, null, { timeout: 5_000, polling: 20 }).catch(() => assert.fail(`${what}: the focus did not go in`));
  }
  const faults = [];
  if (await page.evaluate(() => document.activeElement.closest('[role=dialog], [role=menu]').matches('[role=menu]'))) {
    const expected = await page.evaluate(() =>
      [...document.activeElement.closest('[role=menu]').querySelectorAll('[role^=menuitem]:not(:disabled)')].map((one) => globalThis.keys.name(one)),
    );
    assert.deepEqual((await downTo(page)).sort(), expected.sort(), `${what}: the arrows do not come to every entry`);
  } else {
    await calm(page);
    faults.push(...(await goRound(page, what, { within: 'dialog' })).faults);
  }
  const returned = (timeout) => page.waitForFunction((wanted) => globalThis.keys.name(document.activeElement) === wanted, name, { timeout, polling: 20 });
  await page.keyboard.press('Escape');
  await returned(800)
    // A list that was open in the dialog was closed first.
    .catch(() => page.keyboard.press('Escape').then(() => returned(5_000)))
    .catch(async () => assert.fail(`${what}: closed, and the focus is on “${await focused(page)}”`));
  return faults.map((one) => `${what}: ${one}`);
}

/** Enough presses for anything on a page, twice: its content may come while the first round is under way. */
const STEPS_MAX = 400;

/** What a person does with the keys of a page, and nothing else: no mouse, and no address after the first. */
export function hands(page) {
  const { keyboard } = page;
  const press = async (...keys) => {
    for (const key of keys) await keyboard.press(key);
  };
  const fits = (said, wanted) => (wanted instanceof RegExp ? wanted.test(said) : said === wanted);
  /** Goes on until what has the focus is called so. */
  const tabTo = async (wanted, key = 'Tab') => {
    const seen = [];
    for (let i = 0; i < STEPS_MAX; i++) {
      const said = await focused(page);
      if (fits(said, wanted)) return;
      seen.push(said.slice(0, 30));
      await keyboard.press(key);
    }
    assert.fail(`${key} does not come to ${wanted}: ${[...new Set(seen)].join(' | ')}`);
  };
  const enter = async (wanted, key) => {
    await tabTo(wanted, key);
    await keyboard.press('Enter');
  };
  /** Takes an entry of the menu that is open. */
  const entry = async (wanted) => {
    await page.waitForFunction(() => document.activeElement?.closest('[role=menu]'));
    await atRest(page);
    await downTo(page, wanted);
    await keyboard.press('Enter');
    await page.waitForFunction(() => !document.querySelector('[role=menu]'));
  };
  /** Takes an option in what offers some. */
  const option = async (input, wanted) => {
    await tabTo(input);
    const at = () => page.evaluate(() => {
      const id = document.activeElement.getAttribute('aria-activedescendant');
      return { id, said: id ? (document.getElementById(id)?.textContent ?? '').trim() : '' };
    });
    await atRest(page);
    let here = await at();
    for (let i = 0; i < STEPS_MAX && !fits(here.said, wanted); i++) {
      await keyboard.press('ArrowDown');
      // Who looks at what is marked presses again when it was moved. The first press may only open the list.
      const moved = page.waitForFunction((id) => document.activeElement.getAttribute('aria-activedescendant') !== id, here.id, { timeout: STEP_MS, polling: 20 });
      await moved.catch(() => undefined);
      await atRest(page);
      here = await at();
    }
    assert.ok(fits(here.said, wanted), `no option ${wanted} of ${input}`);
    await keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-expanded') !== 'true');
    await page.waitForFunction((said) => Boolean(document.activeElement?.value) && said.startsWith(document.activeElement.value), here.said, { timeout: SETTLED_MS }).catch(async () => assert.fail(`${input}: ${here.said} was taken, and it shows “${await page.evaluate(() => document.activeElement.value)}”`));
  };
  const fill = async (input, words) => {
    await tabTo(input);
    await press('Control+a');
    await keyboard.type(words);
  };
  /** By Ctrl+K and some letters. */
  const goTo = async (words, shown) => {
    await page.waitForFunction(() => !document.querySelector('[role=dialog]'));
    await press('Control+k');
    await page.waitForFunction(() => document.activeElement?.closest('.palette'));
    await keyboard.type(words);
    await page.waitForFunction((wanted) => document.querySelector('.palette li[aria-selected=true]')?.textContent.startsWith(wanted), shown ?? words);
    await keyboard.press('Enter');
    await page.waitForFunction(() => !document.querySelector('.palette'));
  };
  /** The part of the page that is called so, by F6. */
  const part = async (selector) => {
    for (let i = 0; i < 12; i++) {
      if (await page.evaluate((wanted) => document.activeElement.closest(wanted) !== null, selector)) return;
      await keyboard.press('F6');
    }
    assert.fail(`F6 does not come to ${selector}`);
  };
  /** Until the focus is in a dialog, or none is there any more and the focus is back where it came from. */
  const dialog = async (open = true) => {
    await page
      .waitForFunction((wanted) => (wanted ? document.activeElement?.closest('[role=dialog]') : !document.querySelector('[role=dialog]') && document.activeElement !== document.body), open)
      .catch(async () => assert.fail(`${(await page.locator('[role=dialog]').count()) > 0 ? 'something' : 'nothing'} is open, and the focus is on “${await focused(page)}” of ${page.url()}`));
    await atRest(page);
  };
  return { press, type: (words) => keyboard.type(words), tabTo, enter, entry, option, fill, goTo, part, dialog };
}
