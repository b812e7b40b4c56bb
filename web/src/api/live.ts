// What others write, told at once: the client's connection with one stream of events for each table that is shown.
// Sends no writes and keeps no records.
import { Connection } from '../../../clients/typescript/src/connection';
import { EventFeed } from '../../../clients/typescript/src/feeds';
import type { WireEvent } from '../../../clients/typescript/src/frames';
import { currentReach, hasSeen, newestSeen, onReachChange, probe } from './http';

export type LiveEvent = WireEvent;

/** Told of every event; of null when events may have been missed. */
export type LiveListener = (event: LiveEvent | null) => void;

const ASK_AGAIN_MS = 5_000;

let ready = false;
let wasLost = false;
const stateListeners = new Set<() => void>();
const followed = new Map<string, Followed>();

const connection = new Connection({
  url: `${location.origin.replace(/^http/, 'ws')}/api/live`,
  key: undefined,
  WebSocket: undefined,
  saw: hasSeen,
  before: reachable,
  onReady: (now) => {
    ready = now;
    wasLost ||= !now;
    stateListeners.forEach((listener) => listener());
  },
});

/** A failed handshake is an error on the console: it is tried only where the server answers. */
async function reachable(): Promise<void> {
  if (wasLost) await probe();
  while (currentReach() !== 'online') {
    await new Promise<void>((resolve) => {
      const stop = onReachChange(() => {
        stop();
        resolve();
      });
    });
  }
}

interface Followed {
  listeners: Set<LiveListener>;
  end: () => void;
}

function follow(table: string): Followed {
  const listeners = new Set<LiveListener>();
  const tell = (event: LiveEvent | null) => listeners.forEach((listener) => listener(event));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const startAgain = () => {
    clearTimeout(timer);
    if (listeners.size > 0) timer = setTimeout(start, ASK_AGAIN_MS);
  };
  const feedFrom = (since: number | undefined) =>
    new EventFeed(`table.${table}.*`, { since }, tell, (error) => {
      tell(null);
      if (error.code !== 'revisionGone') startAgain();
    });
  // From what this page has seen before it reads the table: nothing is missed between the reading and the stream.
  let feed = feedFrom(newestSeen() || undefined);
  const start = (missed = false) => {
    connection.start(feed).then(
      () => missed && tell(null),
      (error: { code?: string }) => {
        if (error.code !== 'revisionGone') return startAgain();
        feed = feedFrom(undefined);
        start(true);
      },
    );
  };
  start();
  return {
    listeners,
    end: () => {
      clearTimeout(timer);
      connection.end(feed);
    },
  };
}

export const live = {
  subscribeState: (listener: () => void): (() => void) => {
    stateListeners.add(listener);
    return () => {
      stateListeners.delete(listener);
    };
  },

  isLive: (): boolean => ready,

  /** Listens to one table until the answer is called. */
  watch(table: string, listener: LiveListener): () => void {
    const one = followed.get(table) ?? follow(table);
    followed.set(table, one);
    one.listeners.add(listener);
    return () => {
      one.listeners.delete(listener);
      if (one.listeners.size > 0) return;
      one.end();
      if (followed.get(table) === one) followed.delete(table);
    };
  },
};
