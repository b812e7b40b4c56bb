// The records of one bucket: the operations of the bucket vocabulary, each one request. Keeps no records.

import { type About, ChanceryError, NotFoundError } from './errors.js';
import { definite, wireFilter, wireSort } from './filter.js';
import { type Fields, type WireRecord, flat } from './flat.js';
import type { Chancery } from './http.js';
import type { Request, Result } from './frames.js';
import type { PushInfo } from './feeds.js';
import type { components } from './schema.js';
import type { Subscription } from './store.js';
import type {
  Aggregate, AggregateFunction, AnyFields, Filter, Group, Key, Page, Query, Sort, StoredRecord,
} from './types.js';

/** Most records in one answer. */
const PAGE_MAX = 1_000;

type QueryBody = components['schemas']['Query'];

/** What a handle needs of its store. */
export interface BucketContext {
  readonly http: Chancery;
  /** What the bucket is; throws where it is not defined. */
  definition(bucket: string): Fields & { tableId: string };
  /** Asks over the WebSocket. */
  ask(frame: Request, about: About): Promise<Result>;
  live<R>(query: Query, callback: (result: R, info: PushInfo) => void): Promise<Subscription<R>>;
}

/** What a handle can read; transactions and queries have it too. */
export interface Reading<T extends object = AnyFields> {
  /** The record with this key, or `undefined`. */
  get(key: Key): Promise<StoredRecord<T> | undefined>;
  /** Every record. */
  all(): Promise<StoredRecord<T>[]>;
  /** Every record that passes. */
  where(filter: Filter): Promise<StoredRecord<T>[]>;
  /** The first record that passes, or `undefined`. */
  findOne(filter: Filter): Promise<StoredRecord<T> | undefined>;
  /** How many records pass; all when there is no filter. */
  count(filter?: Filter): Promise<number>;
}

/** How `where` answers. */
export interface WhereOptions {
  sort?: Sort;
  offset?: number;
  limit?: number;
}

/** A bucket by its name. */
export class BucketHandle<T extends object = AnyFields> implements Reading<T> {
  readonly #context: BucketContext;
  readonly name: string;

  constructor(context: BucketContext, name: string) {
    this.#context = context;
    this.name = name;
  }

  /** Stores a new record: generated values, defaults and metadata are filled in, everything is checked. */
  async insert(data: Partial<T> & object): Promise<StoredRecord<T>> {
    const { table, about } = this.#target();
    const body = { data: data as Record<string, unknown> };
    about.records = [body.data];
    const made = await this.#context.http.post('/api/tables/{table}/records', {
      params: { table }, query: { strict: false }, body, about,
    });
    return this.#flat(made as WireRecord);
  }

  async get(key: Key): Promise<StoredRecord<T> | undefined> {
    const { table, about } = this.#target(key);
    // An empty key stands in no path, and no record has it.
    if (key === '') return undefined;
    try {
      const found = await this.#context.http.get('/api/tables/{table}/records/{record}', {
        params: { table, record: String(key) }, query: { includeDisplay: false }, about,
      });
      return this.#flat(found as WireRecord);
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  /** Changes the given fields; key, generated fields and metadata among them are left out. */
  async update(key: Key, changes: Partial<T> & object): Promise<StoredRecord<T>> {
    const { table, about } = this.#target(key);
    const data = changes as Record<string, unknown>;
    about.records = [data];
    const done = await this.#context.http.patch('/api/tables/{table}/records/{record}', {
      params: { table, record: String(key) }, query: { strict: false }, body: { data }, about,
    });
    return this.#flat(done as WireRecord);
  }

  /** Deletes the record; answers whether there was one. */
  async delete(key: Key): Promise<boolean> {
    const { table, about } = this.#target(key);
    if (key === '') return false;
    try {
      await this.#context.http.delete('/api/tables/{table}/records/{record}', {
        params: { table, record: String(key) }, about,
      });
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }

  /** Deletes every record; answers how many there were. */
  async clear(): Promise<number> {
    const { http } = this.#context;
    const { about } = this.#target();
    const answer = await http.request<{ cleared: number }>('post', '/api/buckets/{name}/clear', {
      params: { name: this.name }, query: { workspace: http.workspace }, about,
    });
    return answer.body.cleared;
  }

  all(): Promise<StoredRecord<T>[]> {
    return this.#records({}, Infinity);
  }

  async where(filter: Filter, options: WhereOptions = {}): Promise<StoredRecord<T>[]> {
    const query = { filter: wireFilter(filter), sort: wireSort(options.sort) } as Partial<QueryBody>;
    return this.#records(query, options.limit ?? Infinity, options.offset);
  }

  async findOne(filter: Filter, options: Pick<WhereOptions, 'sort'> = {}): Promise<StoredRecord<T> | undefined> {
    return (await this.where(filter, { ...options, limit: 1 }))[0];
  }

  async count(filter?: Filter): Promise<number> {
    return (await this.#number('count', undefined, filter)) ?? 0;
  }

  /** The first records, in the order of `all`. */
  first(count = 1): Promise<StoredRecord<T>[]> {
    return this.#records({}, wholeNumber(count));
  }

  /** The last records, in the order of `all`. */
  async last(count = 1): Promise<StoredRecord<T>[]> {
    const { fields } = this.#target();
    const backwards = { sort: [{ column: fields.key, direction: 'desc' }] } as Partial<QueryBody>;
    return (await this.#records(backwards, wholeNumber(count))).reverse();
  }

  /** A page of records; goes on at the right place also where the last record of the page before is gone. */
  async paginate(page: { limit: number; after?: string; filter?: Filter; sort?: Sort }): Promise<Page<T>> {
    const query = { filter: wireFilter(page.filter), sort: wireSort(page.sort) } as Partial<QueryBody>;
    const answer = await this.#page(query, { type: 'cursor', limit: page.limit, ...(page.after === undefined ? {} : { cursor: page.after }) });
    const out: Page<T> = { records: answer.records, hasMore: answer.hasMore };
    if (answer.next !== undefined) out.nextCursor = answer.next;
    return out;
  }

  /** The sum of a field over the records that have a number there; 0 without any. */
  async sum(field: keyof T & string, filter?: Filter): Promise<number> {
    return (await this.#number('sum', field, filter)) ?? 0;
  }

  /** The mean of a field; 0 without any number. */
  async avg(field: keyof T & string, filter?: Filter): Promise<number> {
    return (await this.#number('avg', field, filter)) ?? 0;
  }

  /** The smallest value of a field, or `undefined`. */
  async min(field: keyof T & string, filter?: Filter): Promise<number | undefined> {
    return this.#number('min', field, filter);
  }

  /** The largest value of a field, or `undefined`. */
  async max(field: keyof T & string, filter?: Filter): Promise<number | undefined> {
    return this.#number('max', field, filter);
  }

  /** One number per group: `groupBy('status', {function: 'count'})`. */
  async groupBy(fields: string | readonly string[], aggregate: Omit<Aggregate, 'groupBy'>, filter?: Filter): Promise<Group[]> {
    const groups = await this.#aggregate(aggregate.function, aggregate.field, filter, typeof fields === 'string' ? [fields] : [...fields]);
    return groups.map((group) => ({ key: group.key, value: numeric(group.values['value']) ?? null }));
  }

  /** Stores many records in one commit, or none of them. */
  async insertMany(records: readonly (Partial<T> & object)[]): Promise<StoredRecord<T>[]> {
    if (records.length === 0) return [];
    const { table, about } = this.#target();
    about.records = records as readonly Record<string, unknown>[];
    const reply = await this.#context.http.post('/api/tables/{table}/records/bulk', {
      params: { table }, body: { records: records.map(written) }, about,
    });
    return this.#bulk(reply).created;
  }

  /** Changes every record that passes, in one commit; answers how many. */
  async updateMany(filter: Filter, changes: Partial<T> & object): Promise<number> {
    const { about } = this.#target();
    about.records = [changes as Record<string, unknown>];
    return many(await this.#do({ op: 'updateMany', filter: definite(filter), data: changes }, about));
  }

  /** Deletes every record that passes, in one commit; answers how many. */
  async deleteMany(filter: Filter): Promise<number> {
    return many(await this.#do({ op: 'deleteMany', filter: definite(filter) }, this.#target().about));
  }

  /** Changes the record with this key, or stores it where there is none. */
  async upsert(data: Partial<T> & object): Promise<StoredRecord<T>> {
    const { table, about, fields } = this.#target();
    const record = data as Record<string, unknown>;
    if (record[fields.key] === undefined) return this.insert(data);
    about.records = [record];
    const reply = await this.#context.http.post('/api/tables/{table}/records/bulk-upsert', {
      params: { table }, body: { matchOn: [fields.key], records: [written(record)], blank: 'clear' }, about,
    });
    const { created, updated, unchanged } = this.#bulk(reply);
    const done = created[0] ?? updated[0] ?? unchanged[0];
    if (done === undefined) throw new ChanceryError({ code: 'internal', detail: 'The answer to an upsert held no record.' });
    return done;
  }

  /** Answers a question now and whenever its answer changes: the callback gets the first answer at once. */
  live<R = StoredRecord<T>[]>(
    query: Omit<Query, 'bucket'>,
    callback: (result: R, info: PushInfo) => void,
  ): Promise<Subscription<R>> {
    return this.#context.live({ ...query, bucket: this.name }, callback);
  }

  async #do(what: Record<string, unknown>, about: About): Promise<unknown> {
    return (await this.#context.ask({ type: 'do', table: this.name, ...what }, about)).value;
  }

  async #records(query: Partial<QueryBody>, limit: number, offset?: number): Promise<StoredRecord<T>[]> {
    const out: StoredRecord<T>[] = [];
    let cursor: string | undefined;
    while (out.length < limit) {
      const size = Math.min(PAGE_MAX, limit - out.length);
      // The first page may start anywhere; the later ones go on where it ended.
      const window =
        offset !== undefined && offset > 0
          ? { type: 'offset', offset: offset + out.length, limit: size }
          : { type: 'cursor', limit: size, ...(cursor === undefined ? {} : { cursor }) };
      const page = await this.#page(query, window);
      for (const record of page.records) out.push(record);
      cursor = page.next;
      if (!page.hasMore || page.records.length === 0) break;
    }
    return out;
  }

  async #page(query: Partial<QueryBody>, pagination: object): Promise<{ records: StoredRecord<T>[]; hasMore: boolean; next: string | undefined }> {
    const { table, about } = this.#target();
    const page = (await this.#context.http.post('/api/tables/{table}/query', {
      params: { table }, body: { ...query, pagination, includeDisplay: false }, about,
    } as never)) as components['schemas']['RecordPage'];
    return {
      records: page.records.map((record) => this.#flat(record)),
      hasMore: page.pagination.hasMore,
      next: page.pagination.nextCursor ?? undefined,
    };
  }

  async #number(function_: AggregateFunction, field: string | undefined, filter: Filter | undefined): Promise<number | undefined> {
    const groups = await this.#aggregate(function_, field, filter, []);
    return numeric(groups[0]?.values['value']);
  }

  async #aggregate(function_: AggregateFunction, field: string | undefined, filter: Filter | undefined, groupBy: string[]) {
    const { table, about } = this.#target();
    const aggregate = { function: function_, as: 'value', ...(field === undefined ? {} : { column: field }) };
    const body = { filter: wireFilter(filter) ?? null, groupBy, aggregates: [aggregate] };
    const reply = await this.#context.http.post('/api/tables/{table}/aggregate', { params: { table }, body, about });
    return (reply as { groups: { key: Record<string, unknown>; values: Record<string, unknown> }[] }).groups;
  }

  #bulk(reply: unknown): Record<'created' | 'updated' | 'unchanged', StoredRecord<T>[]> {
    const { created, updated, unchanged } = reply as components['schemas']['BulkReply'];
    const records = (items: components['schemas']['BulkItem'][] | null | undefined): StoredRecord<T>[] =>
      (items ?? []).map((item) => this.#flat(item.record as WireRecord));
    return { created: records(created), updated: records(updated), unchanged: records(unchanged) };
  }

  #flat(record: WireRecord): StoredRecord<T> {
    return flat<T>(record, this.#context.definition(this.name));
  }

  #target(key?: Key): { table: string; about: About; fields: Fields } {
    const fields = this.#context.definition(this.name);
    const about: About = { bucket: this.name, keyField: fields.key };
    if (key !== undefined) about.key = key;
    return { table: fields.tableId, about, fields };
  }
}

/** What only the store writes, which a record that was read and is sent again still holds. */
const META = new Set(['_version', '_createdAt', '_updatedAt', '_createdBy', '_updatedBy', '_deletedAt', '_expiresAt']);

/** A record without what only the store writes. */
function written(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !META.has(name)));
}

function numeric(value: unknown): number | undefined {
  if (value === null || value === undefined) return undefined;
  // Sums of exact decimals come as text, so that nothing is rounded on the way.
  return typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value)) ? Number(value) : (value as number);
}

/** How many records an operation was about: the number, or the records themselves. */
export function many(value: unknown): number {
  return Array.isArray(value) ? value.length : (value as number);
}

function wholeNumber(count: number): number {
  if (!Number.isInteger(count) || count < 0) throw new RangeError(`a count of records is a whole number, not ${count}`);
  return count;
}
