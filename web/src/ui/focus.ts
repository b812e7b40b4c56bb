// Keeps the focus where it was, and brings it back there. A browser takes it from what is disabled, as a button is while it waits for the server, and
// from what is taken away, as a row of a list is; whoever pressed it goes on there, or beside it.
import { useEffect, useState } from 'react';

let last: HTMLElement | null = null;

/** What has the focus, or had it until it was disabled. */
export function focusedLast(): HTMLElement | null {
  const focused = document.activeElement;
  if (focused instanceof HTMLElement && focused !== document.body) return focused;
  return last?.isConnected ? last : null;
}

/** What Tab comes to inside of something, itself included. */
const stops = (within: Node | null): HTMLElement[] =>
  within instanceof HTMLElement
    ? [within, ...within.querySelectorAll<HTMLElement>('*')].filter((one) => one.tabIndex >= 0 && !one.matches(':disabled') && one.checkVisibility())
    : [];

/** What rows are taken out of, one by one. Pages and what was opened say themselves where the focus goes. */
const LISTS = '[role=dialog], [role=group], form, ul, ol, table';

/** Beside what was taken away with the focus in it: what does the same in the next row of a list or the one before, else what comes first there. */
function beside(change: MutationRecord, lost: HTMLElement): HTMLElement | undefined {
  if (!(change.target as HTMLElement).closest(LISTS)) return undefined;
  const near = [change.nextSibling, change.previousSibling, change.target].flatMap(stops);
  const label = lost.getAttribute('aria-label');
  return near.find((one) => label !== null && one.getAttribute('aria-label') === label) ?? near[0];
}

/** What has just lost the focus: it may be about to be taken away. */
let left: HTMLElement | null = null;

document.addEventListener('focusin', (event) => {
  last = event.target as HTMLElement;
});
document.addEventListener('focusout', (event) => {
  const target = event.target as HTMLElement;
  if (!target.matches(':disabled')) last = null;
  left = target;
  setTimeout(() => {
    left = null;
  });
});
new MutationObserver((changes) => {
  if (document.activeElement !== document.body) return;
  if (last?.isConnected && !last.matches(':disabled') && changes.some((change) => change.target === last)) last.focus({ preventScroll: true });
  const lost = left;
  const change = lost && changes.find((one) => [...one.removedNodes].some((gone) => gone.contains(lost)));
  if (!change) return;
  // Whoever took it away may have another place in mind, and comes first. A row that changes its place is taken away and put back.
  setTimeout(() => {
    if (document.activeElement === document.body) (lost.isConnected ? lost : beside(change, lost))?.focus({ preventScroll: true });
  });
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['disabled'] });

/** What had the focus when something was opened; of an entry of a menu, the button that opened the menu. */
function origin(): HTMLElement | null {
  const focused = focusedLast();
  const opener = focused?.closest('[role=menu]')?.getAttribute('aria-labelledby');
  return opener ? document.getElementById(opener) : focused;
}

/** What a page is about: the grid, or all of it. */
const home = () => document.querySelector<HTMLElement>('main [role=grid]') ?? document.getElementById('main');

/** For what goes with the focus in it. */
export function focusHome(): void {
  if (document.activeElement === document.body) home()?.focus({ preventScroll: true });
}

/** Of what is there only while it is open: when it goes, the focus goes back to where it came from, or to what the page is about. */
export function useFocusBack(): void {
  const [from] = useState(origin);
  useEffect(
    () => () => {
      setTimeout(() => {
        if (document.querySelector('[role=dialog]')) return;
        (from?.isConnected ? from : home())?.focus({ preventScroll: true });
      });
    },
    [from],
  );
}
