// The store: buckets and their definitions, transactions, events, queries, and the end of it all. Keeps no records.

import { BucketHandle } from './bucket.js';
import { Connection } from './connection.js';
import { BucketNotDefinedError, ChanceryError, QueryNotDefinedError, RevisionGoneError } from './errors.js';
import { EventFeed, LiveFeed, type PushInfo, storeEvent } from './feeds.js';
import { definite } from './filter.js';
import { type Fields, fieldsOf } from './flat.js';
import { Chancery, type ChanceryOptions } from './http.js';
import { openWorkspace } from './workspace.js';
import type { SocketClass } from './socket.js';
import { type QueryContext, type QueryFunction, Tracked, type TrackedContext } from './tracked.js';
import { type Transaction, type TransactionOptions, transact } from './transaction.js';
import type {
  AnyFields, BucketDefinition, BucketUpdate, Query, Stats, StoreEvent, StoredRecord, Unsubscribe,
} from './types.js';

/** How a store is opened. */
export interface StoreOptions extends Omit<ChanceryOptions, 'workspace'> {
  /** The workspace by name, made if there is none; the default one when absent. */
  name?: string;
  /** The class of WebSockets, where the platform has none and the package `ws` shall not be used. */
  WebSocket?: SocketClass;
  /** Told what nobody else can be told: a listener that throws, a query that fails when it runs again, a stream that ends. */
  onError?: (error: unknown) => void;
}

/** How events are listened to. */
export interface OnOptions {
  /** Events of later commits than this one, also those that were before now; from now on when absent. */
  since?: number;
  /**
   * The last change that was seen, where that commit may not have been seen to its end: its later changes come, too. With the
   * `revision` and the `number` of the last event, a stream goes on exactly where another one was.
   */
  number?: number;
}

/** Ends a subscription when called; holds the answer as it is now. */
export interface Subscription<R> {
  (): void;
  readonly current: R;
}

/** What the server knows of a bucket. */
interface WireBucket {
  name: string;
  definition: BucketDefinition;
  tableId: string;
}

interface Known extends Fields {
  tableId: string;
  definition: BucketDefinition;
}

/** One shared stream of events of a bucket, for the queries that read it. */
interface Shared {
  feed: EventFeed;
  ready: Promise<void>;
  listeners: Set<Tracked>;
}

/** Most rounds of `settle`: queries that change what they read would run for ever. */
const SETTLE_ROUNDS_MAX = 100;

/** An open store. */
export class Store {
  /** The name it was opened with; `default` without. */
  readonly name: string;
  /** The HTTP API under it, typed by its OpenAPI document. */
  readonly http: Chancery;
  readonly #connection: Connection;
  readonly #onError: (error: unknown) => void;
  readonly #known = new Map<string, Known>();
  readonly #handles = new Map<string, BucketHandle>();
  readonly #functions = new Map<string, QueryFunction>();
  readonly #tracked = new Set<Tracked>();
  readonly #shared = new Map<string, Shared>();
  #stopped = false;

  private constructor(http: Chancery, options: StoreOptions) {
    this.http = http;
    this.name = options.name ?? 'default';
    this.#onError = options.onError ?? ((error) => console.error(error));
    const url = new URL(`${http.url.replace(/^http/, 'ws')}/api/live`);
    if (http.workspace !== undefined) url.searchParams.set('workspace', http.workspace);
    const saw = (revision: number): void => http.saw(revision);
    this.#connection = new Connection({ url: url.href, key: http.key, WebSocket: options.WebSocket, saw });
  }

  /** Opens a store: finds or makes its workspace and learns which buckets there are. */
  static async start(options: StoreOptions = {}): Promise<Store> {
    const outside = new Chancery(options);
    const workspace = options.name === undefined ? undefined : await openWorkspace(outside, options.name);
    const store = new Store(new Chancery({ ...options, ...(workspace === undefined ? {} : { workspace }) }), options);
    store.http.saw(outside.revision);
    await store.refresh();
    return store;
  }

  /**
   * Ends every subscription and closes the connection. Transactions and whatever else goes over it fail with the code
   * `stopped`; one that is being committed with `commitUnsure`.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const tracked of this.#tracked) tracked.end();
    this.#tracked.clear();
    this.#shared.clear();
    await this.#connection.stop();
  }

  // Buckets

  /** Learns anew which buckets there are: for those that others have defined meanwhile. */
  async refresh(): Promise<void> {
    const buckets: WireBucket[] = [];
    let cursor: string | undefined;
    do {
      const query = { workspace: this.http.workspace, limit: 1_000, cursor };
      type List = { buckets: WireBucket[]; pagination?: { nextCursor?: string | null } };
      const answer = await this.http.request<List>('get', '/api/buckets', { query });
      buckets.push(...answer.body.buckets);
      cursor = answer.body.pagination?.nextCursor ?? undefined;
    } while (cursor !== undefined);
    this.#known.clear();
    for (const bucket of buckets) this.#learn(bucket);
  }

  /** Makes a bucket. */
  async defineBucket<T extends object = AnyFields>(name: string, definition: BucketDefinition): Promise<BucketHandle<T>> {
    const body = { name, definition: plain(definition) };
    const answer = await this.http.request<WireBucket>('post', '/api/buckets', { query: this.#where(), body, about: { bucket: name } });
    this.#learn(answer.body);
    return this.bucket<T>(name);
  }

  /** Adds fields and indexes, changes the time to live. */
  async updateBucket(name: string, update: BucketUpdate): Promise<BucketDefinition> {
    const answer = await this.http.request<WireBucket>('patch', '/api/buckets/{name}', {
      params: { name }, query: this.#where(), body: plain(update), about: { bucket: name },
    });
    this.#learn(answer.body);
    return answer.body.definition;
  }

  /** Drops a bucket with all its records; answers whether there was one. */
  async dropBucket(name: string): Promise<boolean> {
    try {
      await this.http.request('delete', '/api/buckets/{name}', { params: { name }, query: this.#where(), about: { bucket: name } });
    } catch (error) {
      if (!(error instanceof BucketNotDefinedError)) throw error;
      this.#forget(name);
      return false;
    }
    this.#forget(name);
    return true;
  }

  /** Whether there is such a bucket; asks the server. */
  async hasBucket(name: string): Promise<boolean> {
    return (await this.#bucket(name)) !== undefined;
  }

  /** The definition of a bucket, or `undefined`; asks the server. */
  async getBucketSchema(name: string): Promise<BucketDefinition | undefined> {
    return (await this.#bucket(name))?.definition;
  }

  /** A bucket that is known here: defined by this store, there when it was opened, or seen by `refresh`, `hasBucket` or `getBucketSchema`. */
  bucket<T extends object = AnyFields>(name: string): BucketHandle<T> {
    this.#definition(name);
    let handle = this.#handles.get(name);
    if (handle === undefined) {
      handle = new BucketHandle(
        {
          http: this.http,
          definition: (bucket) => this.#definition(bucket),
          ask: (frame, about) => this.#connection.request(frame, { about }),
          live: (query, callback) => this.live(query, callback),
        },
        name,
      );
      this.#handles.set(name, handle);
    }
    return handle as unknown as BucketHandle<T>;
  }

  // Transactions

  /** Many reads and writes at once or not at all. Run again from the start while others change what it read. */
  transaction<R>(work: (tx: Transaction) => R | Promise<R>, options: TransactionOptions = {}): Promise<R> {
    return transact(this.#connection, (bucket) => this.#definition(bucket).key, work, options);
  }

  // Events

  /**
   * Calls the handler with every event whose topic fits: `bucket.tasks.inserted`, `bucket.*.deleted`, `*`. In the order of
   * commits, none missed and none twice, also over lost connections.
   */
  async on<T extends object = AnyFields>(
    pattern: string,
    handler: (event: StoreEvent<T>, topic: string) => unknown,
    options: OnOptions = {},
  ): Promise<Unsubscribe> {
    const feed = new EventFeed(
      pattern,
      options,
      (event) => {
        const told = storeEvent(event) as StoreEvent<T>;
        this.#call(() => handler(told, `bucket.${told.bucket}.${told.type}`));
      },
      (error) => this.#onError(error),
    );
    await this.#connection.start(feed);
    return () => this.#connection.end(feed);
  }

  // Queries

  /**
   * Gives a query a name. A declarative one is stored on the server and may hold `"{{ params.x }}"`; a function stays
   * here, runs here, and runs again when something it read changed. Defining a name again replaces it.
   */
  async defineQuery<R = unknown, P = unknown>(name: string, query: Query | QueryFunction<R, P>): Promise<void> {
    if (typeof query === 'function') {
      this.#functions.set(name, query as QueryFunction);
      return;
    }
    await this.http.request('put', '/api/queries/{query}', {
      params: { query: name }, query: this.#where(), body: { query: asked(query) }, about: { query: name, bucket: query.bucket },
    });
    this.#functions.delete(name);
  }

  /** Takes a query away; answers whether there was one. */
  async undefineQuery(name: string): Promise<boolean> {
    if (this.#functions.delete(name)) return true;
    try {
      await this.http.request('delete', '/api/queries/{query}', { params: { query: name }, query: this.#where(), about: { query: name } });
      return true;
    } catch (error) {
      if (error instanceof QueryNotDefinedError) return false;
      throw error;
    }
  }

  /** Answers a named query once. */
  async runQuery<R = unknown>(name: string, params?: unknown): Promise<R> {
    const query = this.#functions.get(name);
    if (query !== undefined) {
      const context: QueryContext = { bucket: (bucket) => this.bucket(bucket) as never };
      return (await query(context, params)) as R;
    }
    const answer = await this.http.request<{ result: R }>('post', '/api/queries/{query}/run', {
      params: { query: name }, query: this.#where(), body: { params: params ?? {} }, about: { query: name },
    });
    return answer.body.result;
  }

  /**
   * Answers a named query whenever its answer changes. The callback is not called with the first answer: that is
   * `current` of what this resolves to.
   */
  subscribe<R = unknown>(name: string, callback: (result: R) => void): Promise<Subscription<R>>;
  subscribe<R = unknown>(name: string, params: unknown, callback: (result: R) => void): Promise<Subscription<R>>;
  async subscribe<R>(name: string, first: unknown, second?: (result: R) => void): Promise<Subscription<R>> {
    const [params, callback] = second === undefined ? [undefined, first as (result: R) => void] : [first, second];
    const query = this.#functions.get(name);
    if (query !== undefined) return this.#track(query, params, callback);
    const keyField = this.#keyOf(await this.#spec(name));
    const what = { name, ...(params === undefined ? {} : { params }) };
    return (await this.#feed(what, keyField, callback as never, { query: name })) as Subscription<R>;
  }

  /** Answers a question now and whenever its answer changes: the callback gets the first answer at once. */
  async live<R = StoredRecord[]>(query: Query, callback: (result: R, info: PushInfo) => void): Promise<Subscription<R>> {
    return (await this.#feed({ query: asked(query) }, this.#keyOf(query), callback as never, { bucket: query.bucket }, true)) as Subscription<R>;
  }

  /** Resolves when every change that was committed before has reached its listeners and subscribers here. */
  async settle(): Promise<void> {
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round += 1) {
      if (this.#connection.feeds === 0) return;
      await this.#connection.barrier();
      const running = [...this.#tracked].flatMap((tracked) => tracked.running ?? []).concat(this.#connection.restarting);
      if (running.length === 0) return;
      await Promise.all(running);
    }
  }

  // The rest

  /** Deletes what has expired; answers how many records that were. */
  async purgeTtl(): Promise<number> {
    return (await this.http.request<{ purged: number }>('post', '/api/purge-ttl', { query: this.#where() })).body.purged;
  }

  /** How much there is. */
  async getStats(): Promise<Stats> {
    return (await this.http.request<Stats>('get', '/api/stats', { query: this.#where() })).body;
  }

  #where(): { workspace: string | undefined } {
    return { workspace: this.http.workspace };
  }

  #learn(bucket: WireBucket): void {
    this.#known.set(bucket.name, { ...fieldsOf(bucket.definition), tableId: bucket.tableId, definition: bucket.definition });
  }

  #forget(name: string): void {
    this.#known.delete(name);
    this.#handles.delete(name);
  }

  #definition(name: string): Known {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    throw new BucketNotDefinedError({ code: 'bucketNotFound', status: 404 }, name);
  }

  async #bucket(name: string): Promise<WireBucket | undefined> {
    try {
      const answer = await this.http.request<WireBucket>('get', '/api/buckets/{name}', {
        params: { name }, query: this.#where(), about: { bucket: name },
      });
      this.#learn(answer.body);
      return answer.body;
    } catch (error) {
      if (!(error instanceof BucketNotDefinedError)) throw error;
      this.#forget(name);
      return undefined;
    }
  }

  /** A query of this name as the server has it now: others may have defined it anew. */
  async #spec(name: string): Promise<Query> {
    const answer = await this.http.request<{ query: Query }>('get', '/api/queries/{query}', {
      params: { query: name }, query: this.#where(), about: { query: name },
    });
    return answer.body.query;
  }

  /** The name of the key in a query's records; nothing where the bucket is not known here. */
  #keyOf(query: Query): string | undefined {
    return this.#known.get(query.bucket)?.key;
  }

  async #feed(
    what: Record<string, unknown>,
    keyField: string | undefined,
    callback: (result: unknown, info: PushInfo) => void,
    about: { query?: string; bucket?: string },
    atOnce = false,
  ): Promise<Subscription<unknown>> {
    const feed = new LiveFeed(
      what,
      keyField,
      (result, info) => this.#call(() => callback(result, info)),
      (error) => this.#onError(error),
      about,
      atOnce,
    );
    feed.restart = () => this.#connection.restart(feed);
    await this.#connection.start(feed);
    return subscription(() => this.#connection.end(feed), () => feed.current);
  }

  async #track<R>(query: QueryFunction, params: unknown, callback: (result: R) => void): Promise<Subscription<R>> {
    const context: TrackedContext = {
      bucket: (name) => this.bucket(name),
      listen: (bucket, listener) => this.#listen(bucket, listener),
      unlisten: (listener) => this.#unlisten(listener),
      barrier: () => this.#connection.barrier(),
    };
    const tracked = new Tracked(
      context,
      query,
      params,
      (result) => this.#call(() => callback(result as R)),
      (error) => this.#onError(error),
    );
    this.#tracked.add(tracked);
    const end = (): void => {
      this.#tracked.delete(tracked);
      tracked.end();
    };
    try {
      await tracked.start();
    } catch (error) {
      end();
      throw error;
    }
    return subscription(end, () => tracked.current as R);
  }

  #listen(bucket: string, listener: Tracked): Promise<void> {
    let shared = this.#shared.get(bucket);
    if (shared === undefined) {
      const listeners = new Set<Tracked>();
      const feed = new EventFeed(
        `bucket.${bucket}.*`,
        {},
        (event) => {
          const told = storeEvent(event);
          for (const one of listeners) one.touched(told);
        },
        (error) => {
          // After a gap the stream goes on; otherwise it has ended: whoever runs again begins another, or says why it cannot.
          if (!(error instanceof RevisionGoneError)) forget();
          for (const one of listeners) one.stale();
        },
      );
      const forget = (): void => {
        if (this.#shared.get(bucket)?.feed === feed) this.#shared.delete(bucket);
      };
      const ready = this.#connection.start(feed).catch((error: unknown) => {
        forget();
        throw error;
      });
      shared = { feed, ready, listeners };
      this.#shared.set(bucket, shared);
    }
    shared.listeners.add(listener);
    return shared.ready;
  }

  #unlisten(listener: Tracked): void {
    for (const [bucket, { feed, listeners }] of this.#shared) {
      if (!listeners.delete(listener) || listeners.size > 0) continue;
      this.#shared.delete(bucket);
      this.#connection.end(feed);
    }
  }

  /** Runs a listener: one that throws does not stop others. */
  #call(listener: () => unknown): void {
    if (this.#stopped) return;
    try {
      const done = listener();
      if (done instanceof Promise) done.catch((error: unknown) => this.#onError(error));
    } catch (error) {
      this.#onError(error);
    }
  }
}

function subscription<R>(end: () => void, current: () => R): Subscription<R> {
  return Object.defineProperty(() => end(), 'current', { get: current }) as unknown as Subscription<R>;
}

/** A query as it can be sent: with the key or the value of a filter left out, it would be another question. */
function asked(query: Query): Record<string, unknown> {
  if ('key' in query && query.key === undefined) throw new TypeError('the key of a query is undefined');
  return plain(query.filter === undefined ? query : { ...query, filter: definite(query.filter) });
}

/** A definition as it can be sent: a function in it would vanish silently. */
function plain(value: object): Record<string, unknown> {
  const text = JSON.stringify(value, (name, part: unknown) => {
    if (typeof part !== 'function') return part;
    const detail = `"${name}" is a function; the server takes only what JSON can say.`;
    throw new ChanceryError({ code: 'invalidDefinition', status: 422, detail });
  });
  return JSON.parse(text) as Record<string, unknown>;
}
