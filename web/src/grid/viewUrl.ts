// The filter, order and search of a grid in the page's address, so that a view can be linked and reloaded. What a filter says of
// encrypted columns is left out: an address is kept in the browser's history, and may be sent to others.
import type { Column, FilterNode } from '../api/wire';
import { isGroup } from '../filter/model';
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

/** A view that asks nothing of some columns. */
export function viewWithout(view: View, columns: Column[]): View {
  const hidden = new Set(columns.map((column) => column.slug));
  const filter = view.filter && without(view.filter, hidden);
  return { ...view, filter, sort: view.sort.filter((key) => !hidden.has(key.column)) };
}

/** A filter without its rules about some columns. */
function without(node: FilterNode, hidden: ReadonlySet<string>): FilterNode | undefined {
  if (!isGroup(node)) return hidden.has(node.column) ? undefined : node;
  const filters = node.filters.map((one) => without(one, hidden)).filter((one) => one !== undefined);
  return filters.length > 0 ? { ...node, filters } : undefined;
}

export function writeView(view: View, columns: Column[]): string {
  const hidden = new Set(columns.filter((column) => column.encrypted).map((column) => column.slug));
  const filter = view.filter && without(view.filter, hidden);
  if (!filter && view.sort.length === 0 && view.search === '') return '';
  const kept = {
    ...(filter ? { filter } : {}),
    ...(view.sort.length > 0 ? { sort: view.sort } : {}),
    ...(view.search ? { search: view.search } : {}),
  };
  return `?${new URLSearchParams({ view: JSON.stringify(kept) }).toString()}`;
}
