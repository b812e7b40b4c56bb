// What there is to be done with a column that is there, by what it is. Does nothing; the server decides.
import type { Column } from '../api/wire';

/** What the store fills or counts itself, and encrypted values, keep their type. */
const FIXED = new Set(['autoNumber', 'secret', 'button', 'lookup', 'rollup', 'createdTime', 'updatedTime', 'createdBy', 'updatedBy']);

export const mayChangeType = (column: Column): boolean => !column.encrypted && !FIXED.has(column.fieldType) && !column.config?.reverseOf;

export const mayMerge = (column: Column): boolean => (column.options?.length ?? 0) >= 2;

const UNCOUNTED = new Set(['lookup', 'rollup', 'button', 'secret']);

/** Whether its different values can be listed: not those that are worked out, nor those that nobody sees. */
export const hasValues = (column: Column): boolean => !column.encrypted && !UNCOUNTED.has(column.fieldType) && !column.config?.reverseOf;
