// Queries that are functions of this program: what they read is written down while they run, and they run again when
// some of it changed. Stores nothing on the server.

import type { BucketHandle, Reading } from './bucket.js';
import { ChanceryError } from './errors.js';
import { same } from './flat.js';
import { pause } from './http.js';
import type { AnyFields, Filter, Key, StoreEvent } from './types.js';

/** How often a query is run again at once because something changed while it ran, before its answer is taken as it is. */
const ROUNDS_MAX = 10;

/** The wait before a run that could not reach the server is repeated, and the longest, in ms; each is drawn between half and all of it. */
const WAIT_FIRST_MS = 100;
const WAIT_LONGEST_MS = 10_000;
/** What passes by itself, beside the status 503. */
const PASSING = new Set(['unreachable', 'timeout', 'connectionLost']);

/** Before the first answer. */
const NOT_YET = Symbol('not yet');

/** What a query can read of a bucket. */
export type ReadHandle<T extends object = AnyFields> = Reading<T> &
  Pick<BucketHandle<T>, 'first' | 'last' | 'paginate' | 'sum' | 'avg' | 'min' | 'max' | 'groupBy'>;

/** What a query gets to read with. */
export interface QueryContext {
  bucket<T extends object = AnyFields>(name: string): ReadHandle<T>;
}

/** A query as a function. */
export type QueryFunction<R = unknown, P = unknown> = (context: QueryContext, params: P) => R | Promise<R>;

/** What a run of a query needs of its store. */
export interface TrackedContext {
  bucket(name: string): BucketHandle;
  /** Listens to the events of a bucket; resolves when none can be missed any more. */
  listen(bucket: string, listener: Tracked): Promise<void>;
  unlisten(listener: Tracked): void;
  /** Resolves when everything that was committed before has been told to the listeners. */
  barrier(): Promise<void>;
}

/** The keys that were read of a bucket, or the bucket as a whole. */
type Dependency = Set<string> | 'all';

/** A subscribed query function. */
export class Tracked {
  /** Where the last run that succeeded read, and where the present one has read so far. */
  #known = new Map<string, Dependency>();
  #reading = new Map<string, Dependency>();
  #run: Promise<void> | undefined;
  #again = false;
  readonly #end = new AbortController();
  #current: unknown = NOT_YET;

  constructor(
    private readonly context: TrackedContext,
    private readonly query: QueryFunction,
    private readonly params: unknown,
    private readonly deliver: (result: unknown) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  get #ended(): boolean {
    return this.#end.signal.aborted;
  }

  get current(): unknown {
    return this.#current;
  }

  /** The run that is going on, if any: for whoever waits until all is quiet. */
  get running(): Promise<void> | undefined {
    return this.#run;
  }

  /** The first run; its failure is the caller's. */
  async start(): Promise<void> {
    this.#current = await this.#steady();
    if (this.#again) this.#start();
  }

  /** Something happened in a bucket that is listened to. */
  touched(event: StoreEvent): void {
    if (!touches(this.#known, event) && !touches(this.#reading, event)) return;
    this.#again = true;
    this.#start();
  }

  /** Events may be missing: whatever was read may have changed. */
  stale(): void {
    this.#again = true;
    this.#start();
  }

  end(): void {
    this.#end.abort();
    this.context.unlisten(this);
  }

  #start(): void {
    // A run that goes on takes care of what came meanwhile, so an older answer never follows a newer one.
    if (this.#run !== undefined || this.#ended || this.#current === NOT_YET) return;
    this.#run = this.#loop().finally(() => {
      this.#run = undefined;
      if (this.#again && !this.#ended) this.#start();
    });
  }

  async #loop(): Promise<void> {
    for (let failures = 0; !this.#ended; failures += 1) {
      try {
        const value = await this.#steady();
        if (this.#ended || same(value, this.#current)) return;
        this.#current = value;
        this.deliver(value);
        return;
      } catch (error) {
        if (this.#ended) return;
        // What was read before is still what decides when it runs again.
        if (!passes(error)) return this.failed(error);
        // No other event may ever come: without another run, an old answer would stand for ever.
        const longest = Math.min(WAIT_LONGEST_MS, WAIT_FIRST_MS * 2 ** failures);
        await pause(longest * (0.5 + Math.random() / 2), this.#end.signal).catch(() => undefined);
      }
    }
  }

  /** An answer that nothing changed under: read, then wait for every event up to now, and again if one was about it. */
  async #steady(): Promise<unknown> {
    for (let round = 1; ; round += 1) {
      this.#again = false;
      this.#reading = new Map();
      const value = await this.query({ bucket: (name) => this.#handle(name) as never }, this.params);
      await this.context.barrier();
      if (this.#again && round < ROUNDS_MAX && !this.#ended) continue;
      this.#known = this.#reading;
      this.#reading = new Map();
      return value;
    }
  }

  #handle(name: string): ReadHandle {
    const handle = this.context.bucket(name);
    const whole = async (): Promise<void> => {
      this.#reading.set(name, 'all');
      await this.context.listen(name, this);
    };
    return {
      get: async (key: Key) => {
        const keys = this.#reading.get(name) ?? new Set<string>();
        if (keys !== 'all') this.#reading.set(name, keys.add(String(key)));
        await this.context.listen(name, this);
        return handle.get(key);
      },
      all: () => whole().then(() => handle.all()),
      where: (filter: Filter) => whole().then(() => handle.where(filter)),
      findOne: (filter: Filter) => whole().then(() => handle.findOne(filter)),
      count: (filter?: Filter) => whole().then(() => handle.count(filter)),
      first: (count) => whole().then(() => handle.first(count)),
      last: (count) => whole().then(() => handle.last(count)),
      paginate: (page) => whole().then(() => handle.paginate(page)),
      sum: (field, filter) => whole().then(() => handle.sum(field, filter)),
      avg: (field, filter) => whole().then(() => handle.avg(field, filter)),
      min: (field, filter) => whole().then(() => handle.min(field, filter)),
      max: (field, filter) => whole().then(() => handle.max(field, filter)),
      groupBy: (fields, aggregate, filter) => whole().then(() => handle.groupBy(fields, aggregate, filter)),
    };
  }
}

/** Whether a failure is over after a while. */
function passes(error: unknown): boolean {
  return error instanceof ChanceryError && (error.status === 503 || PASSING.has(error.code));
}

function touches(read: ReadonlyMap<string, Dependency>, event: StoreEvent): boolean {
  const dependency = read.get(event.bucket);
  if (dependency === undefined) return false;
  return dependency === 'all' || event.key === undefined || dependency.has(String(event.key));
}
