// F6 goes from one part of the page to the next: navigation, header, tools, content, what is done with ticked records, messages. The browser's own F6 leaves the page.
import { useEffect } from 'react';

const REGIONS = ['.side', '.top', '.toolbar', '.page-head', '.parts', '.grid', '.bulk', '.page', '.toasts'];
const FOCUSABLE = 'a[href], button:not([disabled]), input:not([disabled]), [tabindex="0"]';

const shown = (element: HTMLElement) => element.getClientRects().length > 0;

/** What takes the focus in a region: itself, or the first of its parts that can. */
function entryOf(region: HTMLElement): HTMLElement | undefined {
  if (region.tabIndex >= 0) return region;
  return [...region.querySelectorAll<HTMLElement>(FOCUSABLE)].find((one) => one.tabIndex >= 0 && shown(one));
}

export function useRegions(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'F6' || event.ctrlKey || event.altKey || event.metaKey || document.querySelector('[role=dialog]')) return;
      const regions = REGIONS.flatMap((selector) => [...document.querySelectorAll<HTMLElement>(selector)]).filter((one) => shown(one) && entryOf(one));
      const now = regions.findLastIndex((one) => one.contains(document.activeElement));
      const next = regions[(now + (event.shiftKey ? -1 : 1) + regions.length) % regions.length];
      if (!next) return;
      event.preventDefault();
      entryOf(next)?.focus();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}
