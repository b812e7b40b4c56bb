// Filters of the bucket vocabulary as the filters of a query over HTTP. Answers nothing.

import type { Filter, Sort } from './types.js';
import type { components } from './schema.js';

/** A filter as `POST /api/tables/{table}/query` takes it. */
export type WireFilter = components['schemas']['Filter'];
/** A sort key as `POST /api/tables/{table}/query` takes it. */
export type WireSort = components['schemas']['Sort'];

/** Names that differ from the server's by more than the `$`. */
const RENAMED: Record<string, string> = { $nin: 'notIn' };

/**
 * The filter as JSON can say it. What is `undefined` would vanish from JSON, and the filter would pass more than was meant,
 * or everything: a field that shall equal nothing at all has no value, and a comparison with nothing at all is an error.
 */
export function definite(filter: Filter): Filter {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) throw new TypeError('a filter is an object');
  const out: Filter = {};
  for (const [field, wanted] of Object.entries(filter)) {
    if (field === '$or' || field === '$and') {
      if (!Array.isArray(wanted)) throw new TypeError(`${field} takes a list of filters`);
      out[field] = Array.from(wanted as Filter[], definite);
    } else if (isOperators(wanted)) {
      for (const [name, value] of Object.entries(wanted)) compared(`${name} of ${field}`, value);
      out[field] = wanted;
    } else {
      if (wanted !== undefined) compared(field, wanted);
      out[field] = wanted ?? null;
    }
  }
  return out;
}

/** `{status: "done", priority: {$gte: 3}, $or: […]}` as a condition; nothing where everything passes. */
export function wireFilter(filter: Filter | undefined): WireFilter | undefined {
  return filter === undefined ? undefined : wired(definite(filter));
}

function wired(filter: Filter): WireFilter | undefined {
  const parts: WireFilter[] = [];
  for (const [field, wanted] of Object.entries(filter)) {
    if (field === '$or' || field === '$and') {
      parts.push(joined(field === '$or' ? 'or' : 'and', wanted as readonly Filter[]));
    } else if (isOperators(wanted)) {
      for (const [name, value] of Object.entries(wanted)) parts.push(condition(field, name, value));
    } else {
      parts.push({ column: field, operator: 'eq', value: wanted });
    }
  }
  if (parts.length === 0) return undefined;
  return parts.length === 1 ? parts[0] : { operator: 'and', filters: parts };
}

/** `{priority: "desc"}` as sort keys. */
export function wireSort(sort: Sort | undefined): WireSort[] {
  return Object.entries(sort ?? {}).map(([column, direction]) => ({ column, direction }));
}

function joined(operator: 'and' | 'or', filters: readonly Filter[]): WireFilter {
  // An empty filter inside passes everything, which is what no condition joined by "and" does.
  return { operator, filters: filters.map((one) => wired(one) ?? { operator: 'and', filters: [] }) };
}

/** Refuses what JSON leaves out. */
function compared(what: string, value: unknown): void {
  const missing = (one: unknown): boolean => one === undefined || typeof one === 'function' || typeof one === 'symbol';
  if (missing(value) || (Array.isArray(value) && value.some(missing))) {
    throw new TypeError(`${what} in a filter is ${value === undefined ? 'undefined' : 'nothing that JSON can say'}`);
  }
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
