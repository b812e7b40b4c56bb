// One way to talk to the server: session cookie, CSRF header, problem documents as errors. Knows no endpoint.
import type { Issue, Problem, Rec } from './wire';

/** Why a request did not succeed, in the server's own words where it had any. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly requestId: string | null,
    readonly issues: Issue[] = [],
    readonly hint: string | null = null,
    readonly current: Rec | null = null,
    /** In seconds, if the server said when to come again. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** True when the server could not be reached at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

export interface RequestOptions {
  method?: string;
  json?: unknown;
  body?: string;
  form?: FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Asked as nobody: without the session, whoever is signed in. */
  stranger?: boolean;
}

export type Reach = 'online' | 'offline';
type Listener = () => void;

/** What is told to somebody who typed a wrong password: the session, if there is one, goes on. */
export const WRONG_PASSWORD = 'invalidCredentials';

let csrfToken: string | null = null;
let reach: Reach = 'online';
let seenRevision = 0;
const reachListeners = new Set<Listener>();
const signedOutListeners = new Set<Listener>();

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** The newest commit that an answer or an event has shown: whoever answers next must not show less. */
export function newestSeen(): number {
  return seenRevision;
}

export function hasSeen(revision: number): void {
  if (revision > seenRevision) seenRevision = revision;
}

export function currentReach(): Reach {
  return reach;
}

export function onReachChange(listener: Listener): () => void {
  reachListeners.add(listener);
  return () => reachListeners.delete(listener);
}

/** Called when a request that had a session is told 401. */
export function onSignedOut(listener: Listener): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

function setReach(next: Reach): void {
  if (reach === next) return;
  reach = next;
  reachListeners.forEach((listener) => listener());
}

/** Asks the server whether it is there; used while offline. */
export async function probe(): Promise<void> {
  try {
    await fetch('/healthz', { cache: 'no-store' });
    setReach('online');
  } catch {
    setReach('offline');
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  let problem: Partial<Problem> = {};
  try {
    problem = (await response.json()) as Partial<Problem>;
  } catch {
    problem = {};
  }
  const requestId = problem.requestId ?? response.headers.get('x-request-id');
  const message = problem.detail ?? problem.title ?? `${response.status} ${response.statusText}`;
  return new ApiError(
    message,
    response.status,
    problem.code ?? `http${response.status}`,
    requestId,
    problem.errors ?? [],
    problem.hint ?? null,
    (problem.current as Rec | null | undefined) ?? null,
    Number(response.headers.get('retry-after')) || null,
  );
}

export async function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const method = options.method ?? 'GET';
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  let body: BodyInit | undefined = options.body;
  if (options.form) {
    body = options.form;
  } else if (options.json !== undefined) {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(options.json);
  }
  if (seenRevision > 0 && !options.stranger) headers['x-at-least-revision'] = String(seenRevision);
  if (method !== 'GET' && csrfToken && !options.stranger) headers['x-csrf-token'] = csrfToken;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body,
      signal: options.signal,
      credentials: options.stranger ? 'omit' : 'same-origin',
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    setReach('offline');
    throw new ApiError('The server did not answer.', 0, 'offline', null);
  }
  setReach('online');
  // No server may ever show it again: a backup was put back.
  if (response.status === 503) seenRevision = 0;
  else hasSeen(Number(response.headers.get('x-revision')));
  if (!response.ok) {
    const error = await problemOf(response);
    if (error.status === 401 && error.code !== WRONG_PASSWORD && csrfToken) signedOutListeners.forEach((listener) => listener());
    throw error;
  }
  return response;
}

interface ParseContext {
  source?: string;
}

const EXACT_DIGITS = 15;

/** Numbers with more digits than JavaScript keeps stay text, so that no digit of a shown number is wrong. */
function parseExact(text: string): unknown {
  if (!/[:[,]\s*-?[\d.]{16,}/.test(text)) return JSON.parse(text);
  const keep = (_key: string, value: unknown, context?: ParseContext) => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined || String(value) === source) return value;
    return /^-?[\d.]+$/.test(source) && source.replace(/\D/g, '').length > EXACT_DIGITS ? source : value;
  };
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

export async function call<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text === '' ? undefined : parseExact(text)) as T;
}

/** Sends a form with upload progress, which fetch cannot report. */
export function upload<T>(
  path: string,
  form: FormData,
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.setRequestHeader('accept', 'application/json');
    if (csrfToken) request.setRequestHeader('x-csrf-token', csrfToken);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    // A server that refuses a body before all of it came may cut the line: only asking it tells whether it is there.
    request.onerror = () => void probe().then(() => reject(new ApiError('The server did not answer.', 0, 'offline', null)));
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    request.onload = () => {
      setReach('online');
      if (request.status >= 200 && request.status < 300) {
        resolve(JSON.parse(request.responseText) as T);
        return;
      }
      const response = new Response(request.responseText, {
        status: request.status,
        headers: { 'x-request-id': request.getResponseHeader('x-request-id') ?? '' },
      });
      problemOf(response).then(reject, reject);
    };
    signal?.addEventListener('abort', () => request.abort());
    request.send(form);
  });
}

/** Hands a downloaded file to the browser under a name. */
export function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
