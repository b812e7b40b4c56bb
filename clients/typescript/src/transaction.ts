// Transactions over the WebSocket: many reads and writes that happen at once or not at all. Buffers nothing here.

import { type Reading, many } from './bucket.js';
import { type Connection, lostConnection } from './connection.js';
import { type About, ChanceryError, TransactionConflictError } from './errors.js';
import { definite } from './filter.js';
import { pause } from './http.js';
import type { AnyFields, Filter, Key, StoredRecord } from './types.js';

/** How often a transaction is tried in all when the caller does not say. */
const ATTEMPTS = 10;
/** The wait before the second attempt and the longest, in ms; each is drawn between nothing and all of it. */
const WAIT_FIRST_MS = 5;
const WAIT_LONGEST_MS = 500;

/** How a transaction is run. */
export interface TransactionOptions {
  /** How often it is tried in all when others change what it read; 10 when absent. */
  attempts?: number;
}

/** A transaction as the server knows it. */
interface Begun {
  /** Its number, which is that of another transaction on another socket. */
  transaction: number;
  socket: number;
}

/** A bucket inside a transaction: reads see the transaction's own writes. */
export class TransactionBucket<T extends object = AnyFields> implements Reading<T> {
  readonly #connection: Connection;
  readonly #begun: Begun;
  readonly #keyField: string;
  readonly name: string;

  constructor(connection: Connection, begun: Begun, name: string, keyField: string) {
    this.#connection = connection;
    this.#begun = begun;
    this.#keyField = keyField;
    this.name = name;
  }

  insert(data: Partial<T> & object): Promise<StoredRecord<T>> {
    return this.#do({ op: 'insert', data }, { records: [data as Record<string, unknown>] });
  }

  async get(key: Key): Promise<StoredRecord<T> | undefined> {
    return (await this.#do<StoredRecord<T> | null>({ op: 'get', key }, { key })) ?? undefined;
  }

  update(key: Key, changes: Partial<T> & object): Promise<StoredRecord<T>> {
    return this.#do({ op: 'update', key, data: changes }, { key, records: [changes as Record<string, unknown>] });
  }

  /** Replaces all fields. */
  replace(key: Key, data: Partial<T> & object): Promise<StoredRecord<T>> {
    return this.#do({ op: 'replace', key, data }, { key, records: [data as Record<string, unknown>] });
  }

  /** Deletes the record; answers whether there was one. */
  async delete(key: Key): Promise<boolean> {
    return (await this.#do<unknown>({ op: 'delete', key }, { key })) === true;
  }

  all(): Promise<StoredRecord<T>[]> {
    return this.#do({ op: 'all' });
  }

  async where(filter: Filter): Promise<StoredRecord<T>[]> {
    return this.#do({ op: 'where', filter: definite(filter) });
  }

  async findOne(filter: Filter): Promise<StoredRecord<T> | undefined> {
    return (await this.#do<StoredRecord<T> | null>({ op: 'findOne', filter: definite(filter) })) ?? undefined;
  }

  async count(filter?: Filter): Promise<number> {
    return this.#do({ op: 'count', ...(filter === undefined ? {} : { filter: definite(filter) }) });
  }

  insertMany(records: readonly (Partial<T> & object)[]): Promise<StoredRecord<T>[]> {
    return this.#do({ op: 'insertMany', data: records }, { records: records as readonly Record<string, unknown>[] });
  }

  async updateMany(filter: Filter, changes: Partial<T> & object): Promise<number> {
    const what = { op: 'updateMany', filter: definite(filter), data: changes };
    return many(await this.#do(what, { records: [changes as Record<string, unknown>] }));
  }

  async deleteMany(filter: Filter): Promise<number> {
    return many(await this.#do({ op: 'deleteMany', filter: definite(filter) }));
  }

  upsert(data: Partial<T> & object): Promise<StoredRecord<T>> {
    return this.#do({ op: 'upsert', data }, { records: [data as Record<string, unknown>] });
  }

  async #do<R>(what: Record<string, unknown>, about: About = {}): Promise<R> {
    const { transaction, socket } = this.#begun;
    const frame = { type: 'do', transaction, table: this.name, ...what };
    const whole = { ...about, bucket: this.name, keyField: this.#keyField };
    return (await this.#connection.request(frame, { about: whole, socket })).value as R;
  }
}

/** A transaction that is going on. */
export class Transaction {
  readonly #buckets = new Map<string, TransactionBucket>();

  constructor(
    private readonly connection: Connection,
    private readonly begun: Begun,
    private readonly keyField: (bucket: string) => string,
  ) {}

  /** A bucket inside the transaction; the same handle for the same name. */
  bucket<T extends object = AnyFields>(name: string): TransactionBucket<T> {
    let handle = this.#buckets.get(name);
    if (handle === undefined) {
      handle = new TransactionBucket(this.connection, this.begun, name, this.keyField(name));
      this.#buckets.set(name, handle);
    }
    return handle as unknown as TransactionBucket<T>;
  }
}

/** Runs a function as one transaction, and again from the start while others change what it read. */
export async function transact<R>(
  connection: Connection,
  keyField: (bucket: string) => string,
  work: (tx: Transaction) => R | Promise<R>,
  options: TransactionOptions,
): Promise<R> {
  const attempts = options.attempts ?? ATTEMPTS;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connection.inTransaction(() => once(connection, keyField, work));
    } catch (error) {
      if (attempt >= attempts || !mayRepeat(error)) throw error;
      await pause(Math.random() * Math.min(WAIT_LONGEST_MS, WAIT_FIRST_MS * 2 ** attempt));
    }
  }
}

async function once<R>(
  connection: Connection,
  keyField: (bucket: string) => string,
  work: (tx: Transaction) => R | Promise<R>,
): Promise<R> {
  const begun = await begin(connection);
  const { transaction, socket } = begun;
  let result: R;
  try {
    result = await connection.untilStopped(work(new Transaction(connection, begun, keyField)));
  } catch (error) {
    // Not waited for longer than it takes to send: a transaction that nobody ends is rolled back by the server.
    connection.request({ type: 'rollback', transaction }, { socket }).catch(() => undefined);
    throw error;
  }
  // Lost before the commit is sent, or everything was stopped: the server has rolled it back, and it may be tried again.
  if (!connection.isOn(socket)) throw lostConnection();
  try {
    await connection.request({ type: 'commit', transaction }, { socket });
  } catch (error) {
    if (error instanceof ChanceryError && UNSURE.has(error.code)) throw unsure(error);
    throw error;
  }
  return result;
}

async function begin(connection: Connection): Promise<Begun> {
  let socket = 0;
  // Another socket may be there before whoever waits for the answer goes on.
  const seen = (): void => {
    socket = connection.socket;
  };
  const { transaction } = await connection.request({ type: 'begin' }, { seen });
  if (transaction === undefined) throw new ChanceryError({ code: 'internal', detail: 'The answer to begin held no transaction.' });
  return { transaction, socket };
}

/** What may be said of a commit whose answer never came. */
const UNSURE = new Set(['connectionLost', 'timeout', 'stopped']);

/** A lost commit may have happened: repeating it could do it twice. */
function unsure(cause: ChanceryError): ChanceryError {
  const error = new ChanceryError({
    code: 'commitUnsure',
    detail: 'The connection was lost while the transaction was being committed; it may have happened.',
    hint: 'Read what it would have written before doing it again.',
  });
  return Object.assign(error, { cause });
}

function mayRepeat(error: unknown): boolean {
  if (error instanceof TransactionConflictError) return true;
  // Lost before the commit was sent: the server rolls it back.
  return error instanceof ChanceryError && error.code === 'connectionLost';
}
