// Records of the HTTP routes in the flat form of the bucket vocabulary. Reads nothing itself.

import type { components } from './schema.js';
import type { AnyFields, BucketDefinition, StoredRecord } from './types.js';

/** A record as the HTTP routes answer it. */
export type WireRecord = components['schemas']['Record'];

/** What of a definition the flat form needs. */
export interface Fields {
  /** The field that is the key. */
  key: string;
  /** The declared fields. */
  declared: ReadonlySet<string>;
}

/** What of a definition the flat form needs. */
export function fieldsOf(definition: BucketDefinition): Fields {
  return { key: definition.key, declared: new Set(Object.keys(definition.schema)) };
}

/** A nested record made flat: declared fields without a value are left out, times are ms since 1970. */
export function flat<T extends object = AnyFields>(record: WireRecord, fields: Fields): StoredRecord<T> {
  const out: Record<string, unknown> = {};
  if (!fields.declared.has(fields.key)) out[fields.key] = record.id;
  for (const [name, value] of Object.entries(record.data as Record<string, unknown>)) {
    if (name === '_display' || (value === null && fields.declared.has(name))) continue;
    out[name] = value;
  }
  out['_version'] = record.version;
  out['_createdAt'] = Date.parse(record.createdAt);
  out['_updatedAt'] = Date.parse(record.updatedAt);
  if (record.expiresAt) out['_expiresAt'] = Date.parse(record.expiresAt);
  if (record.createdBy) out['_createdBy'] = record.createdBy;
  if (record.updatedBy) out['_updatedBy'] = record.updatedBy;
  if (record.deletedAt) out['_deletedAt'] = Date.parse(record.deletedAt);
  return out as StoredRecord<T>;
}

/** Whether two values are the same as JSON: the order of members does not count, the order of items does. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && Object.is(a.getTime(), b.getTime());
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, n) => same(item, b[n]));
  }
  const names = Object.keys(a);
  const other = b as Record<string, unknown>;
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && same((a as Record<string, unknown>)[name], other[name]))
  );
}
