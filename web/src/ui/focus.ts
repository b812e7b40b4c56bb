// Keeps the focus where it was, and brings it back there. A browser takes it from what is disabled, as a button is while it waits for the server;
// whoever pressed it goes on there.
import { useEffect, useState } from 'react';

let last: HTMLElement | null = null;

/** What has the focus, or had it until it was disabled. */
export function focusedLast(): HTMLElement | null {
  const focused = document.activeElement;
  if (focused instanceof HTMLElement && focused !== document.body) return focused;
  return last?.isConnected ? last : null;
}

document.addEventListener('focusin', (event) => {
  last = event.target as HTMLElement;
});
document.addEventListener('focusout', (event) => {
  if (!(event.target as HTMLElement).matches(':disabled')) last = null;
});
new MutationObserver((changes) => {
  if (document.activeElement !== document.body || !last?.isConnected || last.matches(':disabled')) return;
  if (changes.some((change) => change.target === last)) last.focus({ preventScroll: true });
}).observe(document, { subtree: true, attributes: true, attributeFilter: ['disabled'] });

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
