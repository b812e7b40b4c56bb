// Filters of the bucket vocabulary as the filters of a query over HTTP. Answers nothing.

import type { Filter, Sort } from './types.js';
import type { components } from './schema.js';

/** A filter as `POST /api/tables/{table}/query` takes it. */
export type WireFilter = components['schemas']['Filter'];
/** A sort key as `POST /api/tables/{table}/query` takes it. */
export type WireSort = components['schemas']['Sort'];

/** Names that differ from the server's by more than the `$`. */
const RENAMED: Record<string, string> = { $nin: 'notIn' };

/** `{status: "done", priority: {$gte: 3}, $or: […]}` as a condition; nothing where everything passes. */
export function wireFilter(filter: Filter | undefined): WireFilter | undefined {
  if (filter === undefined) return undefined;
  const parts: WireFilter[] = [];
  for (const [field, wanted] of Object.entries(filter)) {
    if (field === '$or' || field === '$and') {
      parts.push(joined(field === '$or' ? 'or' : 'and', wanted));
    } else if (isOperators(wanted)) {
      for (const [name, value] of Object.entries(wanted)) {
        if (value !== undefined) parts.push(condition(field, name, value));
      }
    } else {
      // A field that shall equal nothing at all means that it has no value.
      parts.push({ column: field, operator: 'eq', value: wanted ?? null });
    }
  }
  if (parts.length === 0) return undefined;
  return parts.length === 1 ? parts[0] : { operator: 'and', filters: parts };
}

/** `{priority: "desc"}` as sort keys. */
export function wireSort(sort: Sort | undefined): WireSort[] {
  return Object.entries(sort ?? {}).map(([column, direction]) => ({ column, direction }));
}

function joined(operator: 'and' | 'or', filters: unknown): WireFilter {
  if (!Array.isArray(filters)) throw new TypeError(`$${operator} takes a list of filters`);
  // An empty filter inside passes everything, which is what no condition joined by "and" does.
  return { operator, filters: filters.map((one: Filter) => wireFilter(one) ?? { operator: 'and', filters: [] }) };
}

function isOperators(wanted: unknown): wanted is Record<string, unknown> {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return false;
  const names = Object.keys(wanted);
  return names.length > 0 && names.every((name) => name.startsWith('$'));
}

function condition(column: string, name: string, value: unknown): WireFilter {
  if (name === '$exists') return { column, operator: value === false ? 'eq' : 'neq', value: null };
  return { column, operator: RENAMED[name] ?? name.slice(1), value };
}
