// The page's one WebSocket: follows the tables that are shown and tells who listens. Sends no writes and keeps no records.
import { currentReach, onReachChange, probe } from './http';

export type LiveEvent = {
  number: number;
  revision: number;
  type: 'inserted' | 'updated' | 'deleted' | 'restored' | 'purged' | 'cleared';
  table: string;
  key?: string | number;
  record?: { _version?: number };
  newRecord?: { _version?: number };
};

/** Told of every event; of null after a break, when events may have been missed. */
export type LiveListener = (event: LiveEvent | null) => void;

interface Watched {
  listeners: Set<LiveListener>;
  subscription: number | null;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

class LiveLink {
  private socket: WebSocket | null = null;
  private watched = new Map<string, Watched>();
  private asked = new Map<number, string>();
  private nextId = 1;
  private waitMs = FIRST_WAIT_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private open = false;
  private broken = false;
  private stateListeners = new Set<() => void>();

  constructor() {
    onReachChange(() => {
      if (currentReach() === 'online') this.connectSoon(0);
    });
  }

  subscribeState = (listener: () => void): (() => void) => {
    this.stateListeners.add(listener);
    return () => {
      this.stateListeners.delete(listener);
    };
  };

  isLive = (): boolean => this.open;

  /** Listens to one table until the answer is called. */
  watch(table: string, listener: LiveListener): () => void {
    let watched = this.watched.get(table);
    if (!watched) {
      watched = { listeners: new Set(), subscription: null };
      this.watched.set(table, watched);
      if (this.open) this.follow(table);
      else this.connectSoon(0);
    }
    watched.listeners.add(listener);
    return () => this.unwatch(table, listener);
  }

  private unwatch(table: string, listener: LiveListener): void {
    const watched = this.watched.get(table);
    watched?.listeners.delete(listener);
    if (!watched || watched.listeners.size > 0) return;
    this.watched.delete(table);
    if (watched.subscription !== null) this.send({ type: 'unsubscribe', subscription: watched.subscription });
  }

  private setOpen(open: boolean): void {
    if (this.open === open) return;
    this.open = open;
    this.stateListeners.forEach((listener) => listener());
  }

  private connectSoon(ms: number): void {
    if (this.socket || this.watched.size === 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.connect(), ms);
  }

  private async connect(): Promise<void> {
    // A failed handshake is an error on the console: it is tried only where the server answers.
    if (this.broken) await probe();
    if (currentReach() !== 'online' || this.socket || this.watched.size === 0) return;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/api/live`);
    this.socket = socket;
    socket.onmessage = (message) => this.hear(JSON.parse(String(message.data)) as Frame);
    socket.onclose = () => this.closed();
  }

  private closed(): void {
    this.socket = null;
    this.broken = true;
    this.asked.clear();
    for (const watched of this.watched.values()) watched.subscription = null;
    this.setOpen(false);
    this.connectSoon(this.waitMs * (0.5 + Math.random() / 2));
    this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 2);
  }

  private hear(frame: Frame): void {
    if (frame.type === 'hello') {
      if (frame.needsAuth) {
        this.socket?.close();
        return;
      }
      this.waitMs = FIRST_WAIT_MS;
      this.setOpen(true);
      for (const table of this.watched.keys()) this.follow(table);
      return;
    }
    if (frame.type === 'event' && frame.event) {
      this.watched.get(frame.event.table)?.listeners.forEach((listener) => listener(frame.event ?? null));
      return;
    }
    if (frame.type !== 'result' || typeof frame.id !== 'number' || frame.subscription === undefined) return;
    const table = this.asked.get(frame.id);
    this.asked.delete(frame.id);
    const watched = table === undefined ? undefined : this.watched.get(table);
    if (!watched) {
      this.send({ type: 'unsubscribe', subscription: frame.subscription });
      return;
    }
    watched.subscription = frame.subscription;
    if (this.broken) watched.listeners.forEach((listener) => listener(null));
  }

  private follow(table: string): void {
    this.asked.set(this.nextId, table);
    this.send({ type: 'on', topic: `table.${table}.*` });
  }

  private send(frame: object): void {
    this.socket?.send(JSON.stringify({ id: this.nextId++, ...frame }));
  }
}

interface Frame {
  id?: number | null;
  type: string;
  needsAuth?: boolean;
  subscription?: number;
  event?: LiveEvent;
}

export const live = new LiveLink();
