// A grid's view as one JSON object, in the page's address, so that it can be linked and reloaded. What a filter says of
// encrypted columns is left out: an address is kept in the browser's history, and may be sent to others.
import type { Column, FilterNode } from '../api/wire';
import { isGroup } from '../filter/model';
import { ROW_HEIGHTS, type RowSize } from './geometry';
import type { Figure, View } from './model';

export const FIGURES: readonly Figure[] = ['sum', 'avg', 'min', 'max', 'countDistinct', 'filled', 'empty'];

export function readView(search: string): View {
  const plain: View = { sort: [], search: '' };
  try {
    const raw = new URLSearchParams(search).get('view');
    if (!raw) return plain;
    return viewOf(JSON.parse(raw));
  } catch {
    return plain;
  }
}

/** A view out of its JSON; what is no part of one is left out. */
export function viewOf(json: unknown): View {
  const read = (json ?? {}) as Partial<View>;
  const { group, figures } = read;
  const grouped = typeof group?.column === 'string' && (group.direction === 'asc' || group.direction === 'desc');
  const chosen = Object.entries(figures ?? {}).filter(([, figure]) => FIGURES.includes(figure));
  return {
    filter: read.filter && 'filters' in read.filter ? read.filter : undefined,
    sort: Array.isArray(read.sort) ? read.sort : [],
    search: typeof read.search === 'string' ? read.search : '',
    ...(read.alike === true ? { alike: true } : {}),
    ...(grouped ? { group: { column: group.column, direction: group.direction } } : {}),
    ...(typeof read.frozen === 'number' && read.frozen > 1 ? { frozen: Math.floor(read.frozen) } : {}),
    ...(read.rowSize && read.rowSize in ROW_HEIGHTS ? { rowSize: read.rowSize as RowSize } : {}),
    ...(chosen.length > 0 ? { figures: Object.fromEntries(chosen) } : {}),
  };
}

/** A view as JSON: only what differs from the plain one. */
export function viewJson(view: View): Partial<View> {
  const { filter, sort, search, alike, group, frozen, rowSize, figures } = view;
  return {
    ...(filter ? { filter } : {}),
    ...(sort.length > 0 ? { sort } : {}),
    ...(search ? { search, ...(alike ? { alike } : {}) } : {}),
    ...(group ? { group } : {}),
    ...(frozen && frozen > 1 ? { frozen } : {}),
    ...(rowSize && rowSize !== 'short' ? { rowSize } : {}),
    ...(figures && Object.keys(figures).length > 0 ? { figures } : {}),
  };
}

/** Whether two views show the same rows in the same order. */
export function sameRows(a: View, b: View): boolean {
  const asked = ({ filter, sort, search, alike, group }: View) => JSON.stringify([filter ?? null, sort, search, search !== '' && alike === true, group ?? null]);
  return asked(a) === asked(b);
}

/** A view that asks nothing of some columns. */
export function viewWithout(view: View, columns: Column[]): View {
  const hidden = new Set(columns.map((column) => column.slug));
  const filter = view.filter && without(view.filter, hidden);
  const kept: View = { ...view, filter, sort: view.sort.filter((key) => !hidden.has(key.column)) };
  if (view.group && hidden.has(view.group.column)) delete kept.group;
  return kept;
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
  const kept = viewJson({ ...view, filter });
  return Object.keys(kept).length === 0 ? '' : `?${new URLSearchParams({ view: JSON.stringify(kept) }).toString()}`;
}
