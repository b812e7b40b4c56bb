// What a subscription remembers between pushes and over reconnections: a live query's answer, an event stream's place.

import type { Feed } from './connection.js';
import { type About, ChanceryError } from './errors.js';
import { type EventFrame, type Push, type Request, type Result, type WireEvent, applied } from './frames.js';
import { same } from './flat.js';
import type { Key, StoreEvent, StoredRecord } from './types.js';

/** What goes with an answer that is pushed. */
export interface PushInfo {
  /** The commit whose state the answer shows. */
  revision: number;
  /** Why the whole answer came and not the changes: the pushes were too many, or the connection was made again. */
  reason?: 'overflow' | 'resumed' | 'smaller';
}

/** A live query as it is known here. */
export class LiveFeed implements Feed {
  readonly about: About;
  /** Asks for a new start, because what is here does not fit what was pushed. */
  restart: () => void = () => undefined;
  #started = false;
  #current: unknown;
  #revision = 0;

  constructor(
    private readonly what: Record<string, unknown>,
    /** The name of the key in the records; without it only whole answers can be taken. */
    private keyField: string | undefined,
    private readonly deliver: (result: unknown, info: PushInfo) => void,
    private readonly failed: (error: ChanceryError) => void,
    about: About,
    /** Whether the first answer is delivered, too. */
    private readonly atOnce: boolean,
  ) {
    this.about = { ...about };
  }

  get current(): unknown {
    return this.#current;
  }

  get revision(): number {
    return this.#revision;
  }

  request(): Request {
    const whole = this.keyField === undefined ? { snapshots: true } : {};
    return { type: 'subscribe', ...this.what, ...whole };
  }

  started(result: Result): void {
    const first = !this.#started;
    this.#started = true;
    this.#revision = result.revision ?? this.#revision;
    const value = result.result ?? undefined;
    if (!first) {
      this.#becomes(value, 'resumed');
      return;
    }
    this.#current = value;
    if (this.atOnce) this.deliver(value, { revision: this.#revision });
  }

  received(frame: Push | EventFrame): void {
    // A push that is no newer than what is here was part of it already.
    if (frame.type !== 'push' || frame.revision <= this.#revision) return;
    this.#revision = frame.revision;
    if (frame.changes === undefined) {
      this.#becomes(frame.snapshot ?? undefined, frame.reason);
      return;
    }
    let next: StoredRecord[];
    try {
      next = applied(this.#current as StoredRecord[], this.keyField ?? 'id', frame.changes);
    } catch {
      // Something was lost, or the bucket has another key by now: whole answers are right in any case.
      this.keyField = undefined;
      this.restart();
      return;
    }
    this.#current = next;
    this.deliver(next, { revision: frame.revision });
  }

  passed(): void {
    // It is asked anew after a loss, whatever it had seen.
  }

  refused(error: ChanceryError): boolean {
    if (this.#started) this.failed(error);
    return false;
  }

  #becomes(value: unknown, reason: PushInfo['reason']): void {
    if (same(value, this.#current)) return;
    this.#current = value;
    this.deliver(value, reason === undefined ? { revision: this.#revision } : { revision: this.#revision, reason });
  }
}

/** A stream of events and how far it was followed: nothing is missed and nothing comes twice. */
export class EventFeed implements Feed {
  readonly about: About = {};
  /** The newest commit that was seen, maybe not to its end, and the newest change; 0 where all of the commit was. */
  #revision: number | undefined;
  #number: number;
  #started = false;

  constructor(
    private readonly topic: string,
    from: { since?: number; number?: number },
    private readonly deliver: (event: WireEvent) => void,
    /** Told when the stream ends, or when it goes on after a gap: then `code` is `revisionGone`. */
    private readonly failed: (error: ChanceryError) => void,
  ) {
    this.#revision = from.since;
    this.#number = from.since === undefined ? 0 : (from.number ?? 0);
  }

  request(): Request {
    if (this.#revision === undefined) return { type: 'on', topic: this.topic };
    // The connection may have been lost between two changes of one commit: it is asked for again, and known changes are left out.
    const since = this.#number === 0 ? this.#revision : Math.max(0, this.#revision - 1);
    return { type: 'on', topic: this.topic, since };
  }

  started(result: Result): void {
    this.#started = true;
    if (this.#revision === undefined) this.#revision = result.revision;
  }

  received(frame: Push | EventFrame): void {
    if (frame.type !== 'event' || frame.event.number <= this.#number) return;
    this.#number = frame.event.number;
    this.#revision = frame.event.revision;
    this.deliver(frame.event);
  }

  passed(revision: number): void {
    if (this.#revision !== undefined && revision > this.#revision) this.#revision = revision;
  }

  refused(error: ChanceryError): boolean {
    if (!this.#started) return false;
    this.failed(error);
    if (error.code !== 'revisionGone') return false;
    // The log was cut further than this stream had come: it goes on from now, and whoever listens was told of the gap.
    this.#revision = undefined;
    this.#number = 0;
    return true;
  }
}

/** An event as listeners get it. */
export function storeEvent(event: WireEvent): StoreEvent {
  const { topic: _topic, table, type, key, reason, ...rest } = event;
  const out = { ...rest, type, bucket: table, reason } as StoreEvent;
  if (key !== undefined && key !== null) out.key = key as Key;
  return out;
}
