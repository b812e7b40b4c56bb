// The frames of the WebSocket, as docs/protocol.md describes them. Types and the one algorithm on them: applying changes.

import type { Problem } from './errors.js';
import type { Key, StoredRecord } from './types.js';

/** The version of the protocol this client speaks. */
export const PROTOCOL = 1;

/** A request without its number. */
export type Request = { type: string } & Record<string, unknown>;

/** The first frame of the server. */
export interface Hello {
  type: 'hello';
  protocol: number;
  revision: number;
  needsAuth: boolean;
}

/** The answer to a request. */
export interface Result {
  type: 'result';
  id: number;
  subscription?: number;
  revision?: number;
  result?: unknown;
  value?: unknown;
  transaction?: number;
}

/** The refusal of a request. */
export interface Refused {
  type: 'error';
  /** Absent or null where it answers no request. */
  id?: number | null;
  /** The subscription that it ends. */
  subscription?: number;
  error: Problem;
}

/** One step from a list to the next. */
export type Change =
  | { op: 'put'; key: Key; before: Key | null; record: StoredRecord }
  | { op: 'remove'; key: Key };

/** What became of a live query's answer by one commit. */
export interface Push {
  type: 'push';
  subscription: number;
  revision: number;
  changes?: Change[];
  snapshot?: unknown;
  reason?: 'overflow' | 'resumed' | 'smaller';
}

/** An event as it stands on the wire. */
export interface WireEvent {
  number: number;
  revision: number;
  at: number;
  topic: string;
  type: string;
  table: string;
  key?: Key | null;
  reason: string;
  actor?: string;
  operation?: string;
  record?: StoredRecord;
  oldRecord?: StoredRecord;
  newRecord?: StoredRecord;
}

/** An event for a subscription. */
export interface EventFrame {
  type: 'event';
  subscription: number;
  event: WireEvent;
}

/** Whatever the server sends. */
export type ServerFrame = Hello | Result | Refused | Push | EventFrame;

/** The commit that an answer, a push or an event speaks of. */
export function revisionOf(frame: ServerFrame): number | undefined {
  if (frame.type === 'event') return frame.event.revision;
  return frame.type === 'result' || frame.type === 'push' ? frame.revision : undefined;
}

/**
 * The steps of a push, one after another, on a copy of the list: the list that was handed out does not change. Throws where
 * the steps do not fit the list, or `keyField` is not what the records are known by.
 */
export function applied(list: readonly StoredRecord[], keyField: string, changes: readonly Change[]): StoredRecord[] {
  const next = list.slice();
  const find = (key: Key): number => next.findIndex((record) => record[keyField] === key);
  for (const change of changes) {
    const at = find(change.key);
    if (at >= 0) next.splice(at, 1);
    else if (next.some((record) => record[keyField] === undefined)) throw new RangeError(`no key: ${keyField}`);
    if (change.op === 'remove') continue;
    if (change.record[keyField] !== change.key) throw new RangeError(`not the key: ${keyField}`);
    const before = change.before === null ? -1 : find(change.before);
    if (change.before !== null && before < 0) throw new RangeError(`nothing to stand before: ${String(change.before)}`);
    next.splice(before < 0 ? next.length : before, 0, change.record);
  }
  return next;
}
