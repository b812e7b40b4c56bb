// The filter, order and search of a grid in the page's address, so that a view can be linked and reloaded.
import type { View } from './model';

export function readView(search: string): View {
  const plain: View = { sort: [], search: '' };
  try {
    const raw = new URLSearchParams(search).get('view');
    if (!raw) return plain;
    const read = JSON.parse(raw) as Partial<View>;
    return {
      filter: read.filter && 'filters' in read.filter ? read.filter : undefined,
      sort: Array.isArray(read.sort) ? read.sort : [],
      search: typeof read.search === 'string' ? read.search : '',
    };
  } catch {
    return plain;
  }
}

export function writeView(view: View): string {
  const filter = view.filter && 'filters' in view.filter && view.filter.filters.length > 0 ? view.filter : undefined;
  if (!filter && view.sort.length === 0 && view.search === '') return '';
  const kept = {
    ...(filter ? { filter } : {}),
    ...(view.sort.length > 0 ? { sort: view.sort } : {}),
    ...(view.search ? { search: view.search } : {}),
  };
  return `?${new URLSearchParams({ view: JSON.stringify(kept) }).toString()}`;
}
