// Files on their way to the server: two at a time, each with its progress, what became of it, and another try. Draws nothing.
import { files as api } from '../api/endpoints';
import { ApiError } from '../api/http';
import type { FieldColumn, FileFacts } from '../api/wire';
import { text } from '../text/en';
import { words } from '../text/files';
import { bytesText } from '../ui/size';
import { messageOf } from '../ui/states';
import { countMax, remember, sizeMax, takesSeveral } from './facts';

const AT_ONCE = 2;

export interface Item {
  readonly key: number;
  readonly file: File;
  readonly state: 'waiting' | 'sending' | 'sent' | 'keeping' | 'failed';
  /** From 0 to 1. */
  readonly progress: number;
  /** Once it came. */
  readonly facts?: FileFacts;
  /** Why it did not. */
  readonly message?: string;
  /** Whether another try could end otherwise. */
  readonly again?: boolean;
}

/** Where files go. */
export interface Ways {
  column: FieldColumn;
  /** Answers what the file became, or null if it is in its record already. */
  send: (file: File, onProgress: (done: number) => void, signal: AbortSignal) => Promise<FileFacts | null>;
  /** Asks whether a file would be taken at all. */
  announce: (file: File) => Promise<unknown>;
  /** Puts those that came to where they belong, or says why not. */
  take: (files: FileFacts[]) => Promise<void>;
  /** One after the other, as each is a change of the same record. */
  inTurn?: boolean;
}

export class Outbox {
  items: readonly Item[] = [];
  /** What was last said of those that came. */
  said = '';
  private version = 0;
  private nextKey = 1;
  private listeners = new Set<() => void>();
  private controllers = new Map<number, AbortController>();

  constructor(public ways: Ways) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  getVersion = (): number => this.version;

  private emit(): void {
    this.version++;
    this.listeners.forEach((listener) => listener());
  }

  /** How many are on the way. */
  get busy(): number {
    return this.items.filter((item) => item.state !== 'failed').length;
  }

  /** Takes files in, of which the record has so many already. What cannot fit is not sent. */
  add(files: File[], had: number, folders: ReadonlySet<File> = new Set()): void {
    const { column } = this.ways;
    const most = countMax(column);
    let room = takesSeveral(column) ? most - had - this.busy : this.busy > 0 ? 0 : 1;
    const items = files.map((file): Item => {
      const item = { key: this.nextKey++, file, progress: 0 };
      const wrong = folders.has(file) ? words.folder : file.size > sizeMax(column) ? words.tooLarge(bytesText(file.size), bytesText(sizeMax(column))) : null;
      if (wrong) return { ...item, state: 'failed', message: wrong };
      if (room-- <= 0) return { ...item, state: 'failed', message: takesSeveral(column) ? words.tooMany(most) : words.onlyOne };
      return { ...item, state: 'waiting' };
    });
    this.items = [...this.items, ...items];
    this.emit();
    this.pump();
  }

  again(key: number): void {
    const item = this.items.find((one) => one.key === key);
    if (!item) return;
    this.set(key, { state: item.facts ? 'sent' : 'waiting', message: undefined, progress: item.facts ? 1 : 0 });
    this.pump();
  }

  /** Forgets one, whether it is on the way or did not come. */
  drop(key: number): void {
    this.controllers.get(key)?.abort();
    this.items = this.items.filter((item) => item.key !== key);
    this.emit();
    this.pump();
  }

  /** Stops all that is on the way. */
  stop(): void {
    for (const controller of this.controllers.values()) controller.abort();
    this.items = [];
    this.emit();
  }

  private set(key: number, change: Partial<Item>): void {
    this.items = this.items.map((item) => (item.key === key ? { ...item, ...change } : item));
    this.emit();
  }

  private pump(): void {
    const going = this.items.filter((item) => item.state === 'sending').length;
    const waiting = this.items.filter((item) => item.state === 'waiting');
    for (const item of waiting.slice(0, Math.max(0, (this.ways.inTurn ? 1 : AT_ONCE) - going))) void this.send(item);
    // Those that came together are put there together: one step of the history, one to undo.
    const sent = this.items.filter((item) => item.state === 'sent');
    if (waiting.length === 0 && going === 0 && sent.length > 0) void this.deliver(sent);
  }

  private async send({ key, file }: Item): Promise<void> {
    const controller = new AbortController();
    this.controllers.set(key, controller);
    this.set(key, { state: 'sending', progress: 0 });
    try {
      const facts = await this.ways.send(file, (progress) => this.set(key, { progress }), controller.signal);
      if (facts) {
        remember(facts);
        this.set(key, { state: 'sent', progress: 1, facts });
      } else this.came([key], [file.name]);
    } catch (error) {
      if (!controller.signal.aborted) this.fail(key, await this.cause(error, file));
    }
    this.controllers.delete(key);
    this.pump();
  }

  /** A server that refuses a body before it has read all of it looks as if it were away: then it is asked about the file alone. */
  private async cause(error: unknown, file: File): Promise<unknown> {
    if (!(error instanceof ApiError) || !error.offline) return error;
    try {
      await this.ways.announce(file);
    } catch (why) {
      return why;
    }
    return new ApiError(words.broken, 0, 'broken', null);
  }

  private async deliver(items: Item[]): Promise<void> {
    for (const { key } of items) this.set(key, { state: 'keeping' });
    const facts = items.flatMap((item) => item.facts ?? []);
    try {
      await this.ways.take(facts);
      this.came(items.map((item) => item.key), facts.map((file) => file.name));
    } catch (error) {
      if (items.length > 1 && error instanceof ApiError && error.status === 422) {
        // One of them is refused: the others need not be.
        for (const item of items) await this.deliver([item]);
        return;
      }
      for (const { key } of items) this.fail(key, error);
      // What does not fit is wanted nowhere; if this fails, the server lets it go in a day.
      if (error instanceof ApiError && error.status === 422) for (const { id } of facts) api.remove(id).catch(() => undefined);
    }
  }

  private came(keys: number[], names: string[]): void {
    this.items = this.items.filter((item) => !keys.includes(item.key));
    this.said = words.came(names);
    this.emit();
  }

  private fail(key: number, error: unknown): void {
    const api = error instanceof ApiError ? error : null;
    const again = api === null || api.status === 0 || api.status === 408 || api.status === 429 || api.status >= 500;
    this.set(key, { state: 'failed', message: whyNot(error), again });
  }
}

const sentence = (said: string) => `${said.charAt(0).toUpperCase()}${said.slice(1)}${/[.!?]$/.test(said) ? '' : '.'}`;

function whyNot(error: unknown): string {
  if (!(error instanceof ApiError)) return messageOf(error);
  if (error.code === 'broken') return error.message;
  if (error.offline) return words.offline;
  if (error.status === 403) return text.errors.forbiddenBody;
  const told = error.issues.length > 0 ? error.issues.map((issue) => sentence(issue.message)).join(' ') : error.message;
  return [told, error.hint].filter(Boolean).join(' ');
}
