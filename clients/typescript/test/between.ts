// A WebSocket between a store and its real one: a test sees every frame, holds frames back and says others. Tests nothing.
import type { SocketClass, SocketLike } from '@chancery/client';

export type Frame = { type: string; id?: number | null } & Record<string, unknown>;

/** One socket as the test sees it. */
export interface Line {
  /** Which one it is, from 1. */
  readonly number: number;
  /** What the store asked, in order, what was held back included. */
  readonly asked: Frame[];
  /** Says something to the store in the name of the server. */
  say(frame: Frame): void;
  /** Ends it as a lost connection does. */
  cut(): void;
}

export interface Between {
  WebSocket: SocketClass;
  /** Every socket that was made, in order. */
  readonly lines: Line[];
  /** Asked for each frame of the store, and of the server: whether it goes on. */
  up: (frame: Frame, line: Line) => boolean;
  down: (frame: Frame, line: Line) => boolean;
}

/** What tells the server's refusal of a request. */
export function refusal(id: unknown, code: string, status: number): Frame {
  return { type: 'error', id: id as number, error: { code, status, detail: `Refused by the test: ${code}.` } };
}

/** A class of sockets for one store. */
export async function between(): Promise<Between> {
  const Real = await real();
  const out: Between = { WebSocket: undefined as never, lines: [], up: () => true, down: () => true };
  out.WebSocket = class implements SocketLike {
    onopen = null;
    onerror = null;
    onmessage: SocketLike['onmessage'] = null;
    onclose: SocketLike['onclose'] = null;
    readonly #inner: SocketLike;
    readonly #line: Line;

    constructor(url: string) {
      this.#inner = new Real(url);
      this.#line = {
        number: out.lines.length + 1,
        asked: [],
        say: (frame) => this.onmessage?.({ data: JSON.stringify(frame) }),
        cut: () => {
          this.#inner.onmessage = null;
          this.#inner.onclose = null;
          this.#inner.close();
          this.onclose?.({ code: 1006, reason: '' });
        },
      };
      out.lines.push(this.#line);
      this.#inner.onerror = () => undefined;
      this.#inner.onmessage = (event) => {
        if (out.down(JSON.parse(String(event.data)) as Frame, this.#line)) this.onmessage?.(event);
      };
      this.#inner.onclose = (event) => this.onclose?.(event);
    }

    get readyState(): number {
      return this.#inner.readyState;
    }

    send(data: string): void {
      const frame = JSON.parse(data) as Frame;
      this.#line.asked.push(frame);
      if (out.up(frame, this.#line)) this.#inner.send(data);
    }

    close(code?: number, reason?: string): void {
      this.#inner.close(code, reason);
    }
  };
  return out;
}

async function real(): Promise<SocketClass> {
  const own = (globalThis as { WebSocket?: unknown }).WebSocket;
  if (own !== undefined) return own as SocketClass;
  const name = 'ws';
  return ((await import(name)) as { default: SocketClass }).default;
}
