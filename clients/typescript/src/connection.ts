// One WebSocket to the server: opened when first needed, authenticated, kept alive, opened again when lost, with every
// feed subscribed anew. Knows what a frame is, not what it is about.

import { type About, ChanceryError, errorFrom } from './errors.js';
import {
  type EventFrame, type Hello, PROTOCOL, type Push, type Refused, type Request, type Result, type ServerFrame, revisionOf,
} from './frames.js';
import { type SocketClass, type SocketLike, socketClass } from './socket.js';

/** Largest frame the server reads, in bytes. */
const FRAME_BYTES_MAX = 1024 * 1024;
/** Most requests that may wait for an answer. */
const REQUESTS_MAX = 10_000;
/** Transactions that the server keeps open for one socket. */
const TRANSACTIONS_MAX = 16;
/** How long a request may wait for its answer, the time without a connection included, in ms. */
const ANSWER_MS = 30_000;
/** How often the server is asked whether it is there and how far its feeds are, and how long it may be silent, in ms. */
const PING_EVERY_MS = 20_000;
const SILENCE_MS = 30_000;
/** Waits before the first and the later attempts to connect again, in ms; each is drawn between half and all of it. */
const AGAIN_FIRST_MS = 100;
const AGAIN_LONGEST_MS = 10_000;
/** How long a socket may take to close in peace, in ms. */
const CLOSE_MS = 1_000;
/** The server's word, over HTTP and here, that it cannot do now what it can do later. */
const STATUS_PASSING = 503;
/** The server's word that the credentials are missing, wrong or revoked. */
const CLOSED_UNAUTHENTICATED = 4401;

/** Something that is subscribed to on the server and goes on over reconnections. */
export interface Feed {
  /** What errors are about; an object of its own for each feed. */
  readonly about: About;
  /** The request that starts it, from where it is now. */
  request(): Request;
  /** The server's answer to it. Runs before any push of it. */
  started(result: Result): void;
  /** What the server sends for it. */
  received(frame: Push | EventFrame): void;
  /** Everything up to this commit has been sent. */
  passed(revision: number): void;
  /** It could not be started: whether to ask again, with what `request` answers then. */
  refused(error: ChanceryError): boolean;
}

/** How a request is treated. */
export interface Asking {
  /** Whether it may be sent again when the connection is lost before the answer. */
  again?: boolean;
  /** Runs with the answer, before anything that the server sent after it. */
  seen?: (result: Result) => void;
  about?: About;
  /** The socket that it belongs to: asked over no other, and not at all when that one is lost. */
  socket?: number;
}

interface Waiting {
  text: string;
  sent: boolean;
  asking: Asking;
  timer: ReturnType<typeof setTimeout>;
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

/** Where to connect and as whom. */
export interface ConnectionOptions {
  /** `ws://…/api/live`. */
  url: string;
  key: string | undefined;
  WebSocket: SocketClass | undefined;
  /** Told of each commit that the server speaks of, before anybody is told what it changed. */
  saw: (revision: number) => void;
  /** Waited for before each attempt to connect. */
  before?: () => Promise<void>;
  /** Told when it can be used and when it is lost. */
  onReady?: (ready: boolean) => void;
}

/** A connection that comes back. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #feeds = new Set<Feed>();
  readonly #numbers = new Map<number, Feed>();
  readonly #ofFeed = new Map<Feed, number>();
  /** Feeds that the server could not start just now, and how often it said so. */
  readonly #refusals = new Map<Feed, { count: number; timer: ReturnType<typeof setTimeout> }>();
  readonly #restarts = new Set<Promise<void>>();
  #socket: SocketLike | undefined;
  /** How many sockets there have been: what one is called by. */
  #sockets = 0;
  #ready = false;
  #stopped = false;
  #lastId = 0;
  #attempts = 0;
  #connecting = false;
  #againTimer: ReturnType<typeof setTimeout> | undefined;
  #pingTimer: ReturnType<typeof setInterval> | undefined;
  #heardAt = 0;
  #transactions = 0;
  /** Give a place among the open transactions to those who wait for one, in their order. */
  readonly #turns = new Set<() => void>();
  /** End what only the end of everything ends. */
  readonly #endings = new Set<() => void>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Whether a socket is open or being opened. */
  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  /** The present socket; what the server numbers, it numbers for each socket anew. */
  get socket(): number {
    return this.#sockets;
  }

  /** Whether that socket is the present one and may be asked. */
  isOn(socket: number): boolean {
    return this.#ready && socket === this.#sockets;
  }

  /** How many feeds are subscribed to. */
  get feeds(): number {
    return this.#feeds.size;
  }

  /** The feeds that are being subscribed anew because what they had did not fit. */
  get restarting(): Promise<void>[] {
    return [...this.#restarts];
  }

  /** Sends a request and waits for its answer. */
  request(frame: Request, asking: Asking = {}): Promise<Result> {
    if (this.#stopped) return Promise.reject(stopped());
    if (asking.socket !== undefined && !this.isOn(asking.socket)) return Promise.reject(lostConnection());
    if (this.#waiting.size >= REQUESTS_MAX) {
      return Promise.reject(limit(`The limit of ${REQUESTS_MAX} waiting requests is reached.`));
    }
    const id = (this.#lastId += 1);
    const text = JSON.stringify({ id, ...frame });
    // A character takes at most three bytes.
    if (text.length * 3 > FRAME_BYTES_MAX && new TextEncoder().encode(text).length > FRAME_BYTES_MAX) {
      return Promise.reject(limit(`The request is over the limit of ${FRAME_BYTES_MAX} bytes.`));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        const code = this.#ready ? 'timeout' : 'unreachable';
        reject(new ChanceryError({ code, detail: `No answer to "${frame.type}" within ${ANSWER_MS} ms.` }));
      }, ANSWER_MS);
      const waiting: Waiting = { text, sent: false, asking, timer, resolve, reject };
      this.#waiting.set(id, waiting);
      if (this.#ready) this.#send(waiting);
      else this.#open();
    });
  }

  /** Resolves when everything that was committed before has been told to the feeds. */
  async barrier(again = true): Promise<void> {
    const seen = ({ revision }: Result): void => {
      // Only those that are subscribed on this socket: of others it says nothing.
      if (revision !== undefined) for (const feed of this.#numbers.values()) feed.passed(revision);
    };
    await this.request({ type: 'barrier' }, { again, seen });
  }

  /** Does work that keeps a transaction open, when one more may be. */
  async inTransaction<R>(work: () => Promise<R>): Promise<R> {
    if (this.#stopped) throw stopped();
    // Whoever leaves hands the place on, so that nobody who comes later gets in between.
    if (this.#transactions >= TRANSACTIONS_MAX) await this.#turn();
    else this.#transactions += 1;
    try {
      return await work();
    } finally {
      const next = this.#turns.values().next().value;
      if (next === undefined) this.#transactions -= 1;
      else next();
    }
  }

  /** What the work comes to, or the error `stopped` once everything is closed: nobody can wait for it any longer. */
  untilStopped<R>(work: R | Promise<R>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const end = (): void => reject(stopped());
      this.#endings.add(end);
      Promise.resolve(work).then(resolve, reject).finally(() => this.#endings.delete(end));
    });
  }

  /** Waits for a place among the open transactions, as long as for an answer. */
  async #turn(): Promise<void> {
    if (this.#turns.size >= REQUESTS_MAX) throw limit(`The limit of ${REQUESTS_MAX} waiting transactions is reached.`);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let taken = (): void => undefined;
    const turn = new Promise<void>((resolve, reject) => {
      taken = () => {
        this.#turns.delete(taken);
        resolve();
      };
      this.#turns.add(taken);
      const detail = `${TRANSACTIONS_MAX} transactions are open, and none of them ended within ${ANSWER_MS} ms.`;
      timer = setTimeout(() => reject(new ChanceryError({ code: 'timeout', detail })), ANSWER_MS);
    });
    try {
      await this.untilStopped(turn);
    } finally {
      clearTimeout(timer);
      this.#turns.delete(taken);
    }
  }

  /** Subscribes a feed, now and after each reconnection. */
  start(feed: Feed): Promise<void> {
    if (this.#stopped) return Promise.reject(stopped());
    this.#feeds.add(feed);
    return this.#subscribe(feed, true).catch((error: unknown) => {
      this.#feeds.delete(feed);
      throw error;
    });
  }

  /** Ends a feed. */
  end(feed: Feed): void {
    if (!this.#feeds.delete(feed)) return;
    this.#settled(feed);
    const number = this.#ofFeed.get(feed);
    if (number !== undefined) this.#unsubscribe(number);
  }

  /** Subscribes a feed anew, because what it has does not fit what is pushed. */
  restart(feed: Feed): void {
    if (!this.#feeds.has(feed)) return;
    const number = this.#ofFeed.get(feed);
    if (number !== undefined) this.#unsubscribe(number);
    const restart = this.#subscribe(feed).catch(() => undefined);
    this.#restarts.add(restart);
    void restart.finally(() => this.#restarts.delete(restart));
  }

  /** Closes everything; nothing may be asked afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#feeds.clear();
    clearTimeout(this.#againTimer);
    this.#failAll(stopped());
    for (const end of this.#endings) end();
    const socket = this.#socket;
    this.#lost();
    if (socket !== undefined) await closed(socket);
  }

  async #subscribe(feed: Feed, isFirst = false): Promise<void> {
    const seen = (result: Result): void => {
      if (result.subscription === undefined) return;
      if (!this.#feeds.has(feed)) {
        this.#unsubscribe(result.subscription);
        return;
      }
      this.#settled(feed);
      this.#numbers.set(result.subscription, feed);
      this.#ofFeed.set(feed, result.subscription);
      feed.started(result);
    };
    try {
      await this.request(feed.request(), { seen, again: true, about: feed.about });
    } catch (error) {
      if (!(error instanceof ChanceryError) || !this.#feeds.has(feed) || error.code === 'unreachable') throw error;
      if (error.code === 'timeout') {
        // A server that leaves this unanswered would leave the feed silent for ever.
        this.#dropped();
        this.#again();
        throw error;
      }
      if (error.status === STATUS_PASSING && !isFirst) {
        this.#later(feed);
        throw error;
      }
      if (feed.refused(error)) return this.#subscribe(feed);
      this.#feeds.delete(feed);
      throw error;
    }
  }

  /** Subscribes a feed after a while that grows: the server could not do it now. */
  #later(feed: Feed): void {
    const count = this.#refusals.get(feed)?.count ?? 0;
    this.#settled(feed);
    const timer = setTimeout(() => {
      if (this.#ready && this.#feeds.has(feed) && !this.#ofFeed.has(feed)) this.#subscribe(feed).catch(() => undefined);
    }, waitMs(count));
    this.#refusals.set(feed, { count: count + 1, timer });
  }

  /** Nothing has to be done later for a feed: it is started, or it has ended. */
  #settled(feed: Feed): void {
    clearTimeout(this.#refusals.get(feed)?.timer);
    this.#refusals.delete(feed);
  }

  #unsubscribe(subscription: number): void {
    const feed = this.#numbers.get(subscription);
    this.#numbers.delete(subscription);
    if (feed !== undefined) this.#ofFeed.delete(feed);
    // What is lost with the connection is not subscribed any more either.
    if (this.#ready) this.request({ type: 'unsubscribe', subscription }).catch(() => undefined);
  }

  #open(): void {
    if (this.#stopped || this.#socket !== undefined || this.#connecting || this.#againTimer !== undefined) return;
    this.#connecting = true;
    Promise.all([socketClass(this.#options.WebSocket), this.#options.before?.()]).then(
      ([Socket]) => {
        this.#connecting = false;
        if (!this.#stopped) this.#connect(Socket);
      },
      (error: unknown) => {
        this.#connecting = false;
        this.#fatal(error as ChanceryError);
      },
    );
  }

  #connect(Socket: SocketClass): void {
    let socket: SocketLike;
    try {
      socket = new Socket(this.#options.url);
    } catch (cause) {
      const detail = `No WebSocket can be made to ${this.#options.url}.`;
      this.#fatal(Object.assign(new ChanceryError({ code: 'unreachable', detail }), { cause }));
      return;
    }
    this.#socket = socket;
    this.#sockets += 1;
    this.#heardAt = Date.now();
    this.#pingTimer = setInterval(() => this.#ping(), PING_EVERY_MS);
    socket.onopen = null;
    socket.onerror = () => undefined;
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#heard(String(event.data));
    };
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      this.#lost();
      if (event.code === CLOSED_UNAUTHENTICATED) this.#fatal(unauthenticated(event.reason));
      else this.#again();
    };
  }

  #heard(text: string): void {
    this.#heardAt = Date.now();
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text) as ServerFrame;
    } catch {
      return;
    }
    const revision = revisionOf(frame);
    if (revision !== undefined) this.#options.saw(revision);
    switch (frame.type) {
      case 'hello':
        this.#greeted(frame);
        break;
      case 'result':
        this.#answered(frame);
        break;
      case 'error':
        this.#refused(frame);
        break;
      case 'push':
      case 'event':
        this.#numbers.get(frame.subscription)?.received(frame);
        break;
    }
  }

  #greeted(hello: Hello): void {
    if (hello.protocol !== PROTOCOL) {
      const detail = `The server speaks version ${hello.protocol} of the protocol, this client ${PROTOCOL}.`;
      this.#dropped();
      this.#fatal(new ChanceryError({ code: 'unsupported', detail }));
      return;
    }
    if (!hello.needsAuth) {
      this.#opened();
      return;
    }
    if (this.#options.key === undefined) {
      this.#dropped();
      this.#fatal(unauthenticated('No key was given.'));
      return;
    }
    const id = (this.#lastId += 1);
    const asking: Asking = { seen: () => this.#opened() };
    const reject = (error: Error): void => {
      const { code, status } = error as ChanceryError;
      if (code === 'connectionLost' || code === 'stopped') return;
      this.#dropped();
      if (status === 401 || status === 403) this.#fatal(error as ChanceryError);
      else this.#again();
    };
    const waiting: Waiting = {
      text: JSON.stringify({ id, type: 'auth', key: this.#options.key }),
      sent: false,
      asking,
      timer: setTimeout(() => {
        this.#take(id);
        this.#dropped();
        this.#again();
      }, ANSWER_MS),
      resolve: () => undefined,
      reject,
    };
    this.#waiting.set(id, waiting);
    this.#send(waiting);
  }

  /** Everything that waited goes out, the feeds first: what is asked later may rely on them. */
  #opened(): void {
    this.#ready = true;
    this.#attempts = 0;
    this.#options.onReady?.(true);
    const before = [...this.#waiting.values()].filter((waiting) => !waiting.sent);
    const subscribing = new Set(before.map((waiting) => waiting.asking.about));
    for (const feed of this.#feeds) {
      if (!subscribing.has(feed.about)) this.#subscribe(feed).catch(() => undefined);
    }
    // Some of those may have been asked before others that are subscribed again only now.
    const abouts = new Set<About | undefined>([...this.#feeds].map((feed) => feed.about));
    const isFeeds = (waiting: Waiting): boolean => abouts.has(waiting.asking.about);
    for (const waiting of before.filter(isFeeds)) this.#send(waiting);
    for (const waiting of before) if (!isFeeds(waiting)) this.#send(waiting);
  }

  #answered(result: Result): void {
    const waiting = this.#take(result.id);
    if (waiting === undefined) return;
    try {
      waiting.asking.seen?.(result);
      waiting.resolve(result);
    } catch (error) {
      waiting.reject(error as Error);
    }
  }

  #refused(frame: Refused): void {
    if (frame.id !== undefined && frame.id !== null) {
      const waiting = this.#take(frame.id);
      waiting?.reject(errorFrom(frame.error, waiting.asking.about));
      return;
    }
    const feed = this.#numbers.get(frame.subscription ?? -1);
    if (feed === undefined) return;
    this.#numbers.delete(frame.subscription ?? -1);
    this.#ofFeed.delete(feed);
    if (frame.error.status === STATUS_PASSING) this.#later(feed);
    else if (feed.refused(errorFrom(frame.error, feed.about))) this.#subscribe(feed).catch(() => undefined);
    else this.#feeds.delete(feed);
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    return waiting;
  }

  #send(waiting: Waiting): void {
    waiting.sent = true;
    this.#socket?.send(waiting.text);
  }

  #ping(): void {
    const silent = Date.now() - this.#heardAt;
    if (silent > SILENCE_MS) {
      this.#dropped();
      this.#again();
    } else if (this.#ready && (this.#feeds.size > 0 || silent > PING_EVERY_MS / 2)) {
      // A feed that nothing is said of moves on nevertheless, before the log is cut behind it.
      this.barrier(false).catch(() => undefined);
    }
  }

  /** Gives the socket up from this side. */
  #dropped(): void {
    const socket = this.#socket;
    this.#lost();
    if (socket !== undefined) void closed(socket);
  }

  /** Forgets the socket and what was said over it. */
  #lost(): void {
    clearInterval(this.#pingTimer);
    this.#socket = undefined;
    if (this.#ready) this.#options.onReady?.(false);
    this.#ready = false;
    this.#numbers.clear();
    this.#ofFeed.clear();
    // Every feed is subscribed again with the next connection.
    for (const { timer } of this.#refusals.values()) clearTimeout(timer);
    for (const [id, waiting] of this.#waiting) {
      if (!waiting.sent) continue;
      if (waiting.asking.again === true) {
        waiting.sent = false;
      } else {
        this.#take(id);
        waiting.reject(lostConnection());
      }
    }
  }

  /** Connects again after a while, as long as anybody needs it. */
  #again(): void {
    if (this.#stopped || (this.#feeds.size === 0 && this.#waiting.size === 0)) return;
    const wait = waitMs(this.#attempts);
    this.#attempts += 1;
    clearTimeout(this.#againTimer);
    this.#againTimer = setTimeout(() => {
      this.#againTimer = undefined;
      this.#open();
    }, wait);
  }

  /** Nothing that is asked again would help: everybody who waits is told. */
  #fatal(error: ChanceryError): void {
    const feeds = [...this.#feeds];
    this.#feeds.clear();
    for (const feed of feeds) this.#settled(feed);
    this.#failAll(error);
    for (const feed of feeds) feed.refused(error);
  }

  #failAll(error: ChanceryError): void {
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(error);
  }
}

/** How long to wait before the next attempt, after so many in vain. */
function waitMs(attempts: number): number {
  return Math.min(AGAIN_LONGEST_MS, AGAIN_FIRST_MS * 2 ** attempts) * (0.5 + Math.random() / 2);
}

/** Closes a socket and waits until it is closed, but not for ever. */
function closed(socket: SocketLike): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      (socket as { terminate?: () => void }).terminate?.();
      resolve();
    }, CLOSE_MS);
    socket.onmessage = null;
    socket.onclose = () => {
      clearTimeout(timer);
      resolve();
    };
    socket.close(1000);
  });
}

/** The connection that a request belongs to is not there any more. */
export function lostConnection(): ChanceryError {
  return new ChanceryError({ code: 'connectionLost', detail: 'The connection was lost before the answer came.' });
}

function stopped(): ChanceryError {
  return new ChanceryError({ code: 'stopped', detail: 'The store was stopped.' });
}

function limit(detail: string): ChanceryError {
  return new ChanceryError({ code: 'limitExceeded', status: 400, detail });
}

function unauthenticated(reason: string): ChanceryError {
  return new ChanceryError({ code: 'unauthenticated', status: 401, detail: reason || 'The credentials are not valid any more.' });
}
