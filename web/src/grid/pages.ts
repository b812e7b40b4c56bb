// The rows in memory: pages of records by row number, the least recently used given up first.
import type { Rec } from '../api/wire';

export const PAGE_SIZE = 200;
export const PAGES_KEPT = 80;
const SETTLE_MS = 40;

export interface LoadedPage {
  records: Rec[];
  hasMore: boolean;
}

export type LoadPage = (offset: number, limit: number, signal: AbortSignal) => Promise<LoadedPage>;

export class PageCache {
  private pages = new Map<number, Rec[]>();
  private stale = new Set<number>();
  private loading = new Map<number, AbortController>();
  private rowById = new Map<string, number>();
  private window: ReadonlySet<number> = new Set([0]);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private generation = 0;

  constructor(
    private readonly load: LoadPage,
    private readonly changed: (page: number, loaded: LoadedPage) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  record(row: number): Rec | undefined {
    return this.pages.get(Math.floor(row / PAGE_SIZE))?.[row % PAGE_SIZE];
  }

  rowOf(id: string): number | undefined {
    return this.rowById.get(id);
  }

  /** The rows now shown, as runs; what they need is fetched once they rest, what left them is aborted. */
  want(runs: [number, number][]): void {
    const wanted = new Set<number>();
    for (const [first, last] of runs) {
      for (let page = Math.floor(Math.max(0, first) / PAGE_SIZE); page * PAGE_SIZE <= last; page++) wanted.add(page);
    }
    this.window = wanted;
    for (const [page, controller] of this.loading) {
      if (!wanted.has(page - 1) && !wanted.has(page) && !wanted.has(page + 1)) {
        controller.abort();
        this.loading.delete(page);
      }
    }
    clearTimeout(this.timer);
    const missing = this.missing();
    if (missing.length === 0) return;
    if (this.pages.size === 0) this.fetchAll(missing);
    else this.timer = setTimeout(() => this.fetchAll(this.missing()), SETTLE_MS);
  }

  private missing(): number[] {
    const pages: number[] = [];
    for (const page of this.window) {
      const have = this.pages.get(page);
      if (have && !this.stale.has(page)) this.touch(page, have);
      else if (!this.loading.has(page)) pages.push(page);
    }
    return pages;
  }

  private touch(page: number, records: Rec[]): void {
    this.pages.delete(page);
    this.pages.set(page, records);
  }

  private fetchAll(pages: number[]): void {
    for (const page of pages) void this.fetch(page);
  }

  private async fetch(page: number): Promise<void> {
    const controller = new AbortController();
    const generation = this.generation;
    this.loading.set(page, controller);
    try {
      const loaded = await this.load(page * PAGE_SIZE, PAGE_SIZE, controller.signal);
      if (generation !== this.generation || controller.signal.aborted) return;
      this.put(page, loaded.records);
      this.changed(page, loaded);
    } catch (error) {
      if (controller.signal.aborted || generation !== this.generation) return;
      this.failed(error);
    } finally {
      if (this.loading.get(page) === controller) this.loading.delete(page);
    }
  }

  private put(page: number, read: Rec[]): void {
    // A page may have been read before a write that is shown already.
    const records = read.map((record) => {
      const row = this.rowById.get(record.id);
      const shown = row === undefined ? undefined : this.record(row);
      return shown?.id === record.id && shown.version > record.version ? shown : record;
    });
    this.forget(page);
    this.pages.set(page, records);
    this.stale.delete(page);
    records.forEach((record, i) => this.rowById.set(record.id, page * PAGE_SIZE + i));
    for (const old of this.pages.keys()) {
      if (this.pages.size <= PAGES_KEPT) break;
      if (!this.window.has(old)) this.forget(old);
    }
  }

  private forget(page: number): void {
    this.pages.get(page)?.forEach((record, i) => {
      if (this.rowById.get(record.id) === page * PAGE_SIZE + i) this.rowById.delete(record.id);
    });
    this.pages.delete(page);
    this.stale.delete(page);
  }

  /** Puts a newer state of one record in place of the old one. */
  replace(record: Rec): void {
    const row = this.rowById.get(record.id);
    if (row === undefined) return;
    const page = this.pages.get(Math.floor(row / PAGE_SIZE));
    const old = page?.[row % PAGE_SIZE];
    if (page && old && old.version <= record.version) page[row % PAGE_SIZE] = record;
  }

  /** Every row between two, fetching what is not here. For copying and bulk work. */
  async rows(first: number, last: number, signal: AbortSignal): Promise<Rec[]> {
    const rows: Rec[] = [];
    for (let page = Math.floor(first / PAGE_SIZE); page * PAGE_SIZE <= last; page++) {
      const records =
        this.pages.get(page) ?? (await this.load(page * PAGE_SIZE, PAGE_SIZE, signal)).records;
      const start = page * PAGE_SIZE;
      rows.push(...records.slice(Math.max(0, first - start), last - start + 1));
      if (records.length < PAGE_SIZE) break;
    }
    return rows;
  }

  /** Reads the shown pages again, keeping the old rows on the screen meanwhile. */
  refresh(): void {
    for (const [page] of this.pages) {
      if (this.window.has(page)) this.stale.add(page);
      else this.forget(page);
    }
    for (const controller of this.loading.values()) controller.abort();
    this.loading.clear();
    this.fetchAll([...this.window]);
  }

  /** Gives up pages that lie past the end after rows have gone. */
  trim(rows: number): void {
    for (const page of [...this.pages.keys()]) if (page * PAGE_SIZE >= rows) this.forget(page);
  }

  clear(): void {
    this.generation++;
    clearTimeout(this.timer);
    for (const controller of this.loading.values()) controller.abort();
    this.loading.clear();
    this.pages.clear();
    this.rowById.clear();
    this.stale.clear();
  }

  get empty(): boolean {
    return this.pages.size === 0;
  }
}
