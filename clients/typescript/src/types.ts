// The vocabulary of buckets: definitions, records, filters, queries. Types only.

/** A value as JSON has it. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** What identifies a record in its bucket. */
export type Key = string | number;

/** What the store adds to every record. */
export interface RecordMeta {
  /** 1 on insert, one more with each update. */
  _version: number;
  /** When it was inserted, in ms since 1970. */
  _createdAt: number;
  /** When it was last written, in ms since 1970. */
  _updatedAt: number;
  /** When it goes away by itself, in ms since 1970; only in buckets with a time to live. */
  _expiresAt?: number;
  /** Who inserted it. */
  _createdBy?: string;
  /** Who wrote it last. */
  _updatedBy?: string;
  /** When it was put in the trash, in ms since 1970. */
  _deletedAt?: number;
}

/** The fields of a record where no type is given for them. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a schema that lives on the server has no static type
export type AnyFields = { [field: string]: any };

/** A record as it is stored: its fields beside what the store adds. */
export type StoredRecord<T extends object = AnyFields> = T & RecordMeta;

/** What a field may hold. */
export type FieldKind = 'string' | 'number' | 'boolean' | 'object' | 'array' | 'date';

/** One field of a bucket's schema. */
export interface FieldDefinition {
  type: FieldKind;
  required?: boolean;
  /** What is stored where nothing is given. */
  default?: unknown;
  /** What the store makes where nothing is given. */
  generated?: 'uuid' | 'cuid' | 'autoincrement' | 'timestamp';
  enum?: readonly (string | number)[];
  format?: 'email' | 'url' | 'iso-date';
  min?: number;
  max?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  unique?: boolean;
  /** Whether values are sealed, and what of them is shown; with `indexed`, equal ones are found. Needs an open vault. */
  encrypted?: boolean | { mask?: 'full' | 'last4' | 'email'; indexed?: boolean };
  /** The bucket whose keys the field holds. */
  ref?: string;
  /** What happens to this record when the one it refers to is deleted. */
  onDelete?: 'restrict' | 'cascade' | 'set_null' | 'setNull';
  /** The fields of an object. */
  properties?: Record<string, FieldDefinition>;
  /** What each item of an array is. */
  items?: FieldDefinition;
}

/** The fields of a bucket by name. */
export type Schema = Record<string, FieldDefinition>;

/** What a bucket is. */
export interface BucketDefinition {
  /** The field that is the key. */
  key: string;
  schema: Schema;
  /** Fields to look records up by. */
  indexes?: readonly string[];
  /** `ordered_set` answers in the order of keys. */
  etsType?: 'set' | 'ordered_set';
  /** Whether the records outlive the server; yes when absent. */
  persistent?: boolean;
  /** How long a record lives: ms, or `30s`, `5m`, `1h`, `7d`. */
  ttl?: number | string;
  /** How many records it holds; the oldest make room. */
  maxSize?: number;
  /** Whether fields that are not declared are refused. */
  strict?: boolean;
}

/** What may be changed about a bucket. */
export interface BucketUpdate {
  addFields?: Schema;
  addIndexes?: readonly string[];
  /** `null` takes it away. */
  ttl?: number | string | null;
}

/** How a field may be compared. */
export interface FilterOperators {
  $eq?: unknown;
  $neq?: unknown;
  $gt?: unknown;
  $gte?: unknown;
  $lt?: unknown;
  $lte?: unknown;
  $in?: readonly unknown[];
  $nin?: readonly unknown[];
  $between?: readonly [unknown, unknown];
  $contains?: string;
  $startsWith?: string;
  $endsWith?: string;
  $exists?: boolean;
}

/** Which records: fields that equal values or pass operators, all of them; `$or` and `$and` join filters. */
export type Filter = { $or?: readonly Filter[]; $and?: readonly Filter[] } & {
  [field: string]: unknown | FilterOperators;
};

/** The order of records, the first field first. */
export type Sort = Record<string, 'asc' | 'desc'>;

/** A question about one bucket that the server can keep answering. */
export interface Query {
  bucket: string;
  filter?: Filter;
  /** Words to search for. */
  search?: string;
  /** Whether words with typing mistakes and without their accents are found too; without a sort, what fits best comes first. */
  fuzzy?: boolean;
  sort?: Sort;
  offset?: number;
  limit?: number;
  /** The fields wanted; all when absent. */
  fields?: readonly string[];
  /** One record by its key. */
  key?: Key | string;
  /** A number, or one per group. */
  aggregate?: Aggregate;
}

/** A number over records. */
export interface Aggregate {
  function: AggregateFunction;
  /** Over which field; `count` does without. */
  field?: string;
  /** One number for each value of these fields. */
  groupBy?: string | readonly string[];
}

/** What to compute. */
export type AggregateFunction = 'count' | 'sum' | 'avg' | 'min' | 'max';

/** One group and its number. */
export interface Group {
  key: Record<string, unknown>;
  value: number | null;
}

/** A part of a bucket. */
export interface Page<T extends object> {
  records: StoredRecord<T>[];
  /** Whether there are more. */
  hasMore: boolean;
  /** Where the next page starts: pass it as `after`. */
  nextCursor?: string;
}

/** Why a change was made. */
export type Reason = 'user' | 'ttl' | 'eviction' | 'merge' | 'import' | 'undo' | 'upkeep';

/** What happened to a record. */
export type EventType = 'inserted' | 'updated' | 'deleted' | 'restored' | 'purged' | 'cleared';

/** One change of one record, or of a whole bucket that was cleared. */
export interface StoreEvent<T extends object = AnyFields> {
  type: EventType;
  bucket: string;
  /** Absent where a bucket was cleared. */
  key?: Key;
  /** The record: inserted, deleted, restored or purged. */
  record?: StoredRecord<T>;
  /** With `updated`: before. */
  oldRecord?: StoredRecord<T>;
  /** With `updated`: after. */
  newRecord?: StoredRecord<T>;
  /** The number of the change; rises by one. */
  number: number;
  /** The commit; all changes of one commit come together. */
  revision: number;
  /** When, in ms since 1970. */
  at: number;
  reason: Reason;
  actor?: string;
  operation?: string;
}

/** The state of a store. */
export interface Stats {
  name: string;
  buckets: { count: number; names: string[] };
  records: { total: number; perBucket: Record<string, number> };
  indexes: { total: number; perBucket: Record<string, number> };
  queries: { defined: number; activeSubscriptions: number };
  persistence: { enabled: boolean };
  ttl: { enabled: boolean; checkIntervalMs: number };
  revision: number;
}

/** Ends a subscription; doing it again does nothing. */
export type Unsubscribe = () => void;
