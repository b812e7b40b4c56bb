// A WebSocket wherever this runs: the platform's own, one that is passed in, or the package `ws`. Speaks no protocol.

import { ChanceryError } from './errors.js';

/** What of a WebSocket is used. */
export interface SocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** The class of such sockets. */
export type SocketClass = new (url: string) => SocketLike;

/** The class to use: given, the platform's (browsers, Node 22 and newer), or from the package `ws` if it is installed. */
export async function socketClass(given: SocketClass | undefined): Promise<SocketClass> {
  if (given !== undefined) return given;
  const own = (globalThis as { WebSocket?: unknown }).WebSocket;
  if (own !== undefined) return own as SocketClass;
  // A name that bundlers cannot see: in a browser this line is never reached, and nothing should be bundled for it.
  const name = 'ws';
  try {
    const found = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as { default: SocketClass };
    return found.default;
  } catch (cause) {
    const error = new ChanceryError({
      code: 'unreachable',
      detail: 'This platform has no WebSocket.',
      hint: 'Node 22 and newer have one. On Node 20 install the package ws, or pass a class as the option WebSocket.',
    });
    throw Object.assign(error, { cause });
  }
}
