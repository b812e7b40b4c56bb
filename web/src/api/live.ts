// What others write, told at once: the client's connection with one stream of events for each table that is shown.
// Sends no writes and keeps no records.
import { Connection } from '../../../clients/typescript/src/connection';
import { EventFeed } from '../../../clients/typescript/src/feeds';
import type { WireEvent } from '../../../clients/typescript/src/frames';
import { currentReach, hasSeen, newestSeen, onReachChange, probe } from './http';
import { inWorkspace, type TablePlace } from './places';

export type LiveEvent = WireEvent;

/** Told of every event; of null when events may have been missed. */
export type LiveListener = (event: LiveEvent | null) => void;

const ASK_AGAIN_MS = 5_000;

/** By workspace: as a rule one, that of the table which is shown or was shown last. */
const connections = new Map<string, { connection: Connection; ready: boolean }>();
let wasLost = false;
const stateListeners = new Set<() => void>();
const followed = new Map<string, Followed>();

function connectionTo(workspace: string): Connection {
  const known = connections.get(workspace);
  if (known) return known.connection;
  for (const [other, { connection }] of connections) {
    if (connection.feeds > 0) continue;
    connections.delete(other);
    void connection.stop();
  }
  const asked = new URLSearchParams(inWorkspace(workspace)).toString();
  const connection = new Connection({
    url: `${location.origin.replace(/^http/, 'ws')}/api/live${asked ? `?${asked}` : ''}`,
    key: undefined,
    WebSocket: undefined,
    saw: hasSeen,
    before: reachable,
    onReady: (ready) => {
      const own = connections.get(workspace);
      if (own?.connection !== connection) return;
      own.ready = ready;
      wasLost ||= !ready;
      stateListeners.forEach((listener) => listener());
    },
  });
  connections.set(workspace, { connection, ready: false });
  return connection;
}

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

function follow({ workspaceId, slug }: TablePlace): Followed {
  const connection = connectionTo(workspaceId);
  const listeners = new Set<LiveListener>();
  const tell = (event: LiveEvent | null) => listeners.forEach((listener) => listener(event));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const startAgain = () => {
    clearTimeout(timer);
    if (listeners.size > 0) timer = setTimeout(start, ASK_AGAIN_MS);
  };
  const feedFrom = (since: number | undefined) =>
    new EventFeed(`table.${slug}.*`, { since }, tell, (error) => {
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

  isLive: (): boolean => connections.size > 0 && [...connections.values()].every((one) => one.ready),

  /** Listens to one table until the answer is called. */
  watch(table: TablePlace, listener: LiveListener): () => void {
    const one = followed.get(table.id) ?? follow(table);
    followed.set(table.id, one);
    one.listeners.add(listener);
    return () => {
      one.listeners.delete(listener);
      if (one.listeners.size > 0) return;
      one.end();
      if (followed.get(table.id) === one) followed.delete(table.id);
    };
  },
};
