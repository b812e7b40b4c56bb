// The HTTP API, typed by its OpenAPI document: paths, bodies and answers are checked when compiling. Knows no buckets.

import { type About, ChanceryError, type Problem, errorFrom } from './errors.js';
import type { paths } from './schema.js';

/** How long a request may take when the caller does not say, in ms. */
const TIMEOUT_MS = 30_000;
/** How often a request that the server was too busy for is repeated when the caller does not say. */
const RETRIES = 3;
/** Where the waits between repetitions start, in ms, and where they end. */
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 5_000;
/** Refusals after which nothing was done, so that any request may be repeated. */
const NOTHING_DONE = new Set(['overloaded', 'shuttingDown']);

/** Where the server is and who asks. */
export interface ChanceryOptions {
  /** `https://records.example.com`; in a page of the server itself it may be left out. */
  url?: string | URL;
  /** An API key, `chy_…`. A page that the server itself serves may do with the cookie of its session. */
  key?: string;
  /** The workspace by id or slug; the default one when absent. */
  workspace?: string;
  /** How long a request may take, in ms; 30,000 when absent. */
  timeoutMs?: number;
  /** How often a request is repeated that the server was too busy for, or that changes nothing and got no answer; 3 when absent. */
  retries?: number;
  /** Another `fetch`, for tests and proxies. */
  fetch?: typeof fetch;
}

/** The methods of the API. */
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The paths that have a method. */
export type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: infer O } ? ([O] extends [undefined] ? never : P) : never;
}[keyof paths];

type Operation<P extends keyof paths, M extends Method> = paths[P] extends { [K in M]: infer O } ? O : never;
type InPath<O> = O extends { parameters: { path: infer X } } ? { params: X } : { params?: undefined };
type InQuery<O> = O extends { parameters: { query?: infer X } } ? { query?: NonNullable<X> } : { query?: undefined };
type InBody<O> = O extends { requestBody: { content: { 'application/json': infer X } } }
  ? { body: X }
  : O extends { requestBody?: { content: { 'application/json': infer X } } }
    ? { body?: X }
    : { body?: undefined };
type Done<O> = O extends { responses: infer R }
  ? { [S in keyof R]: S extends 200 | 201 | 202 ? (R[S] extends { content: { 'application/json': infer X } } ? X : never) : never }[keyof R]
  : unknown;

/** What goes with a request beside its path. */
export interface Extras {
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** What the request is about, for its errors. */
  about?: About;
}

/** Path parameters, query parameters and body of an operation. */
export type Input<P extends keyof paths, M extends Method> = InPath<Operation<P, M>> &
  InQuery<Operation<P, M>> &
  InBody<Operation<P, M>> &
  Extras;

/** The body of an operation's answer. */
export type Output<P extends keyof paths, M extends Method> = Done<Operation<P, M>>;

/** An answer: its body, and the commit that contains everything it shows. */
export interface Answer<T> {
  status: number;
  body: T;
  revision: number;
  headers: Headers;
}

/** A request that no type of the OpenAPI document checks. */
export interface RawRequest extends Extras {
  params?: Record<string, string | number>;
  query?: Record<string, unknown>;
  body?: unknown;
}

/** Chancery over HTTP. Every method answers the body and throws a `ChanceryError` on a refusal. */
export class Chancery {
  readonly url: string;
  readonly workspace: string | undefined;
  readonly key: string | undefined;
  readonly #options: ChanceryOptions;
  readonly #fetch: typeof fetch;
  /** The newest commit that this client made or was told of: its reads see it, also where they are answered by a copy. */
  #seen = 0;
  /** What a change with the cookie of a session must carry. */
  #csrf: string | undefined;

  constructor(options: ChanceryOptions = {}) {
    const here = (globalThis as { location?: { origin?: string } }).location?.origin;
    const url = options.url ?? here;
    if (url === undefined) throw new TypeError('url is missing: where is the server?');
    this.url = String(url).replace(/\/+$/, '');
    this.workspace = options.workspace;
    this.key = options.key;
    this.#options = options;
    // A bare reference would lose its `this` in browsers.
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  /** The newest commit that this client made or was told of; its reads see it. */
  get revision(): number {
    return this.#seen;
  }

  /** Tells of a commit that reads shall see from now on. */
  saw(revision: number): void {
    if (revision > this.#seen) this.#seen = revision;
  }

  async get<P extends PathsWith<'get'>>(path: P, input: Input<P, 'get'>): Promise<Output<P, 'get'>> {
    return (await this.request<Output<P, 'get'>>('get', path, input as RawRequest)).body;
  }

  async post<P extends PathsWith<'post'>>(path: P, input: Input<P, 'post'>): Promise<Output<P, 'post'>> {
    return (await this.request<Output<P, 'post'>>('post', path, input as RawRequest)).body;
  }

  async put<P extends PathsWith<'put'>>(path: P, input: Input<P, 'put'>): Promise<Output<P, 'put'>> {
    return (await this.request<Output<P, 'put'>>('put', path, input as RawRequest)).body;
  }

  async patch<P extends PathsWith<'patch'>>(path: P, input: Input<P, 'patch'>): Promise<Output<P, 'patch'>> {
    return (await this.request<Output<P, 'patch'>>('patch', path, input as RawRequest)).body;
  }

  async delete<P extends PathsWith<'delete'>>(path: P, input: Input<P, 'delete'>): Promise<Output<P, 'delete'>> {
    return (await this.request<Output<P, 'delete'>>('delete', path, input as RawRequest)).body;
  }

  /** Any request: what the typed methods are made of. */
  async request<T>(method: Method, path: string, input: RawRequest = {}): Promise<Answer<T>> {
    const retries = this.#options.retries ?? RETRIES;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#once<T>(method, path, input);
      } catch (error) {
        if (attempt === 0 && error instanceof ChanceryError && error.code === 'csrfRequired') {
          await this.#learnCsrf();
          continue;
        }
        if (attempt >= retries || !(error instanceof ChanceryError) || !mayRepeat(isRead(method, path), error)) throw error;
        await pause(waitMs(attempt, error), input.signal);
      }
    }
  }

  /** A page that does with the cookie of its session has to prove that it is one of the server's own. */
  async #learnCsrf(): Promise<void> {
    const session = await this.#once<{ csrfToken: string }>('get', '/api/auth/session', {});
    this.#csrf = session.body.csrfToken;
  }

  async #once<T>(method: Method, path: string, input: RawRequest): Promise<Answer<T>> {
    const { response, text } = await this.#send(method, path, input);
    const revision = Number(response.headers.get('x-revision') ?? 0);
    if (!response.ok) throw refusal(response, text, input.about);
    if (!isRead(method, path)) this.saw(revision);
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    const body = text === '' ? undefined : isJson ? (JSON.parse(text) as unknown) : text;
    return { status: response.status, body: body as T, revision, headers: response.headers };
  }

  /** Sends a request and waits for the whole answer: it may be lost in its middle, too. */
  async #send(method: Method, path: string, input: RawRequest): Promise<{ response: Response; text: string }> {
    const headers: Record<string, string> = { ...input.headers };
    if (this.key !== undefined) headers['authorization'] = `Bearer ${this.key}`;
    else if (this.#csrf !== undefined) headers['x-csrf-token'] = this.#csrf;
    if (isRead(method, path) && this.#seen > 0) headers['x-at-least-revision'] = String(this.#seen);
    if (input.body !== undefined) headers['content-type'] = 'application/json';
    const limit = AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
    const signal = input.signal === undefined ? limit : either(input.signal, limit);
    const init: RequestInit = { method: method.toUpperCase(), headers, signal };
    if (input.body !== undefined) init.body = JSON.stringify(input.body);
    const url = this.url + address(path, input);
    try {
      const response = await this.#fetch(url, init);
      return { response, text: await response.text() };
    } catch (cause) {
      input.signal?.throwIfAborted();
      const late = limit.aborted;
      const code = late ? 'timeout' : 'unreachable';
      const detail = late ? 'The server did not answer in time.' : `The server at ${this.url} cannot be reached.`;
      throw Object.assign(new ChanceryError({ code, detail }), { cause });
    }
  }
}

/** The path with its parameters filled in and its query behind it. */
function address(path: string, input: RawRequest): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = input.params?.[name];
    if (value === undefined || value === '') throw new TypeError(`${name} is missing in ${path}`);
    // Escaped or not, these would be steps in the path, and another thing would be asked for.
    if (value === '.' || value === '..') throw new TypeError(`${name} cannot be "${value}" in ${path}`);
    return encodeURIComponent(String(value));
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  const text = query.toString();
  return text === '' ? filled : `${filled}?${text}`;
}

function refusal(response: Response, text: string, about: About | undefined): ChanceryError {
  let problem: Problem = { code: 'internal', status: response.status, detail: `The server answered ${response.status}.` };
  try {
    problem = { ...problem, ...(JSON.parse(text) as Problem) };
  } catch {
    // Whatever stands between, a proxy say, does not speak problem+json.
  }
  const error = errorFrom(problem, about);
  const seconds = Number(response.headers.get('retry-after'));
  return seconds > 0 ? Object.assign(error, { retryAfterMs: seconds * 1_000 }) : error;
}

/** Whether a request only reads: questions come as POST, because they have a body. */
function isRead(method: Method, path: string): boolean {
  return method === 'get' || (method === 'post' && /\/(query|aggregate|run)$/.test(path));
}

function mayRepeat(harmless: boolean, error: ChanceryError): boolean {
  if (NOTHING_DONE.has(error.code)) return true;
  return harmless && (error.code === 'unreachable' || error.status === 503);
}

function waitMs(attempt: number, error: ChanceryError): number {
  const asked = (error as { retryAfterMs?: number }).retryAfterMs ?? 0;
  const own = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
  return Math.min(RETRY_LONGEST_MS, Math.max(asked, own));
}

/** Waits, but not longer than somebody wants. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** One signal of two: `AbortSignal.any` is younger than the oldest Node this runs on. */
function either(a: AbortSignal, b: AbortSignal): AbortSignal {
  const both = new AbortController();
  for (const one of [a, b]) {
    if (one.aborted) both.abort(one.reason);
    else one.addEventListener('abort', () => both.abort(one.reason), { once: true, signal: both.signal });
  }
  return both.signal;
}
