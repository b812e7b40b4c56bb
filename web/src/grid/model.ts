// The state of one grid: rows, place, selection, what is being edited. Draws nothing; writes go through writer.ts.
import { records as api } from '../api/endpoints';
import { addressOf, type TablePlace } from '../api/places';
import type { Column, FilterNode, Query, QueryReply, Rec, SortKey } from '../api/wire';
import { valueText } from '../fields/registry';
import { SORT_KEYS_MAX } from '../filter/model';
import { text } from '../text/en';
import { count } from '../ui/time';
import { ROW_HEIGHTS, Rows, type Layout, type RowSize } from './geometry';
import { History } from './history';
import { ALL_MARKED, isMarked, markedCount, markMany, NO_MARKS, type Marks } from './marks';
import { PageCache, PAGE_SIZE, type LoadedPage } from './pages';

/** What is shown and how, but for what columns carry themselves: their order, width and whether they show. */
export interface View {
  filter?: FilterNode;
  sort: SortKey[];
  search: string;
  /** Whether words count that are merely alike; what is most alike comes first, unless it is sorted. */
  alike?: boolean;
  group?: Grouping;
  /** How many columns stay while the others scroll. */
  frozen?: number;
  rowSize?: RowSize;
  /** What stands below each column, by slug. */
  figures?: Record<string, Figure>;
}

export interface Grouping {
  column: string;
  direction: SortKey['direction'];
}

/** A number over a column: `filled` and `empty` count values. */
export type Figure = 'sum' | 'avg' | 'min' | 'max' | 'countDistinct' | 'filled' | 'empty';

export interface Group {
  value: unknown;
  count: number;
  collapsed: boolean;
  /** By slug. */
  figures: Record<string, number | string | null>;
}

export interface Place {
  row: number;
  col: number;
}

export interface Range {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

export interface Editing extends Place {
  record: Rec;
  column: Column;
  /** What the editor starts with; typed over a selected cell it replaces the value. */
  initial: string;
  replace: boolean;
}

export interface CellState {
  kind: 'saving' | 'error' | 'conflict';
  value: unknown;
  message?: string;
  current?: Rec;
}

export interface BadCell {
  row: number;
  column: string;
  value: string;
  message: string;
}

export interface Report {
  title: string;
  /** Records that are not deleted, instead of values that are not stored. */
  deleting?: boolean;
  bad: BadCell[];
  good: number;
  keepGood?: () => Promise<void>;
}

export type RowCount = { rows: number; exact: boolean };

/** How many rows a range operation (copy, clear, fill, paste) touches at most. */
export const RANGE_ROWS_MAX = 10_000;

/** How many ticked records are asked for by id in one query. */
const IDS_AT_ONCE = 500;

/** From this many rows on, pages of the second half are read from the end. */
const FAR_ROWS = 50_000;

/** Whether a view finds what is merely alike. */
export const byLikeness = (view: View): boolean => view.alike === true && view.search.trim() !== '';

export class GridModel {
  readonly history = new History();
  readonly pages: PageCache;
  layout: Layout = { columns: [], width: 0, frozen: 1, frozenWidth: 0 };
  view: View = { sort: [], search: '' };
  rowCount: RowCount = { rows: 0, exact: false };
  /** In the order of their rows; none while the view has no grouping, or they are not known yet. */
  groups: readonly Group[] = [];
  loaded = false;
  error: unknown = null;
  active: Place = { row: 0, col: 0 };
  /** Whether it had the focus when it gave way to what says that the records come: it has it again when they are there. */
  focused = false;
  anchor: Place = { row: 0, col: 0 };
  marks: Marks = NO_MARKS;
  editing: Editing | null = null;
  conflict: { record: Rec; column: Column } | null = null;
  report: Report | null = null;
  announcement = '';
  version = 0;
  /** Brings a cell into view; given by the component that draws. */
  reveal: (place: Place) => void = () => undefined;
  pageRows = 20;
  private placed: { rows: Rows; groups: readonly Group[] } = { rows: new Rows(0, ROW_HEIGHTS.short), groups: [] };
  private cells = new Map<string, Map<string, CellState>>();
  private stamps = new Map<string, number>();
  private listeners = new Set<() => void>();
  private counting: AbortController | null = null;
  private refreshedAt = Date.now();

  /** What the table is called in requests. */
  readonly table: string;

  constructor(readonly place: TablePlace) {
    this.table = addressOf(place);
    this.pages = new PageCache(
      (offset, limit, signal) => this.load(offset, limit, signal),
      (page, loaded) => this.pageArrived(page, loaded),
      (error) => {
        this.error = error;
        this.emit();
      },
    );
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  getVersion = (): number => this.version;

  emit(): void {
    this.version++;
    this.listeners.forEach((listener) => listener());
  }

  announce(message: string): void {
    this.announcement = message;
    this.emit();
  }

  // Rows

  query(): Query {
    return {
      ...(this.view.filter ? { filter: this.view.filter } : {}),
      ...(this.sort.length > 0 ? { sort: this.sort } : {}),
      ...(this.view.search ? { search: { query: this.view.search, ...(this.view.alike ? { fuzzy: true } : {}) } } : {}),
    };
  }

  /** The order of the rows: groups first. */
  get sort(): SortKey[] {
    const { group, sort } = this.view;
    if (!group) return sort;
    const first: SortKey = { column: group.column, direction: group.direction, nulls: 'last' };
    return [first, ...sort.filter((key) => key.column !== group.column)].slice(0, SORT_KEYS_MAX);
  }

  /** Whether what is most alike stands first. */
  get ranked(): boolean {
    return byLikeness(this.view) && this.sort.length === 0;
  }

  /** Where the rows are, as they are counted, sized and grouped now. */
  get rows(): Rows {
    const { rows: old, groups } = this.placed;
    const height = ROW_HEIGHTS[this.view.rowSize ?? 'short'];
    if (old.count !== this.rowCount.rows || old.height !== height || groups !== this.groups) {
      this.placed = { rows: new Rows(this.rowCount.rows, height, this.groups), groups: this.groups };
    }
    return this.placed.rows;
  }

  /** The groups as they are counted now; those that were collapsed stay so. */
  setGroups(groups: Omit<Group, 'collapsed'>[]): void {
    const counts = (list: readonly Pick<Group, 'value' | 'count'>[]) => JSON.stringify(list.map((one) => [one.value, one.count]));
    // Rows went from one group to another: those on the page are read again, or they would stand below the wrong line.
    if (this.groups.length > 0 && groups.length > 0 && counts(this.groups) !== counts(groups)) this.refresh();
    const closed = new Set(this.groups.filter((one) => one.collapsed).map((one) => JSON.stringify(one.value)));
    this.groups = groups.map((one) => ({ ...one, collapsed: closed.has(JSON.stringify(one.value)) }));
    this.emit();
  }

  /** Opens or closes a group, or all of them. */
  collapse(index: number | 'all', collapsed: boolean): void {
    this.groups = this.groups.map((one, i) => (index === 'all' || i === index ? { ...one, collapsed } : one));
    const row = this.rows.shown(this.active.row, 1);
    if (row !== this.active.row) this.active = this.anchor = { ...this.active, row };
    this.emit();
  }

  private async load(offset: number, limit: number, signal: AbortSignal): Promise<LoadedPage> {
    const { rows, exact } = this.rowCount;
    // What is ranked has no other end.
    if (exact && rows > FAR_ROWS && offset > rows / 2 && !this.ranked) return this.loadFromEnd(offset, limit, rows, signal);
    const reply = await this.page(this.sort, offset, limit, signal);
    return { records: reply.records, hasMore: reply.pagination.hasMore };
  }

  /** The server walks to an offset; pages of the second half are nearer from the other end. */
  private async loadFromEnd(offset: number, limit: number, rows: number, signal: AbortSignal): Promise<LoadedPage> {
    const size = Math.min(limit, Math.max(1, rows - offset));
    const backwards: SortKey[] = this.sort.map(({ column, direction }) => ({
      column,
      direction: direction === 'asc' ? 'desc' : 'asc',
      nulls: 'first',
    }));
    const reply = await this.page(
      [...backwards, { column: 'id', direction: 'desc' }],
      Math.max(0, rows - offset - size),
      size,
      signal,
    );
    return { records: reply.records.reverse(), hasMore: offset + size < rows };
  }

  private page(sort: SortKey[], offset: number, limit: number, signal: AbortSignal): Promise<QueryReply> {
    const query: Query = {
      ...this.query(),
      sort,
      pagination: { type: 'offset', offset, limit },
      includeDisplay: true,
      count: 'none',
    };
    return api.query(this.table, query, signal);
  }

  /** Another filter, sort or search: everything is read again, from the top. */
  show(view: View, expectedRows?: number): void {
    if (view.group?.column !== this.view.group?.column) this.groups = [];
    this.view = view;
    this.pages.clear();
    this.loaded = false;
    this.error = null;
    this.marks = NO_MARKS;
    this.editing = null;
    this.cells.clear();
    this.rowCount = { rows: expectedRows ?? 0, exact: false };
    this.active = { row: 0, col: this.active.col };
    this.anchor = this.active;
    this.reveal(this.active);
    this.pages.want([[0, Math.min(PAGE_SIZE - 1, this.pageRows * 2)]]);
    void this.countRows();
    this.emit();
  }

  /** Another look at the same rows: heights, what stays, figures. */
  look(view: View): void {
    this.view = view;
    this.emit();
  }

  async countRows(): Promise<void> {
    this.counting?.abort();
    const controller = new AbortController();
    this.counting = controller;
    try {
      const reply = await api.query(
        this.table,
        { ...this.query(), pagination: { type: 'offset', offset: 0, limit: 1 }, columns: [], count: 'exact' },
        controller.signal,
      );
      const total = reply.pagination.total;
      if (controller.signal.aborted || typeof total !== 'number') return;
      this.setRows(total, true);
      this.emit();
    } catch (error) {
      if (!controller.signal.aborted && this.pages.empty) this.error = error;
      this.emit();
    }
  }

  private setRows(rows: number, exact: boolean): void {
    this.rowCount = { rows, exact };
    this.pages.trim(rows);
    const last = Math.max(0, rows - 1);
    if (this.active.row > last) this.active = { ...this.active, row: last };
    if (this.anchor.row > last) this.anchor = { ...this.anchor, row: last };
  }

  private pageArrived(page: number, loaded: LoadedPage): void {
    this.loaded = true;
    this.error = null;
    const end = page * PAGE_SIZE + loaded.records.length;
    if (!loaded.hasMore && (loaded.records.length > 0 || page === 0)) this.setRows(end, true);
    else if (!this.rowCount.exact && end >= this.rowCount.rows) this.setRows(end + (loaded.hasMore ? PAGE_SIZE : 0), false);
    this.emit();
  }

  /** Reads what is shown again, keeping place and selection. */
  refresh(): void {
    this.refreshedAt = Date.now();
    this.error = null;
    this.pages.refresh();
    void this.countRows();
    this.emit();
  }

  refreshIfOlder(ms: number): void {
    if (Date.now() - this.refreshedAt > ms && !this.editing) this.refresh();
  }

  // Cells

  stampOf(id: string): number {
    return this.stamps.get(id) ?? 0;
  }

  cellState(id: string, slug: string): CellState | undefined {
    return this.cells.get(id)?.get(slug);
  }

  setCellState(id: string, slug: string, state: CellState | null): void {
    let states = this.cells.get(id);
    if (state) {
      if (!states) this.cells.set(id, (states = new Map()));
      states.set(slug, state);
    } else {
      states?.delete(slug);
      if (states?.size === 0) this.cells.delete(id);
    }
    this.stamps.set(id, this.stampOf(id) + 1);
  }

  /** The value shown: the one being saved or refused, else the stored one. */
  shownValue(record: Rec, slug: string): unknown {
    const state = this.cellState(record.id, slug);
    return state ? state.value : record.data[slug];
  }

  // Place and range

  get lastRow(): number {
    return Math.max(0, this.rowCount.rows - 1);
  }

  get lastCol(): number {
    return Math.max(0, this.layout.columns.length - 1);
  }

  range(): Range {
    return {
      top: Math.min(this.active.row, this.anchor.row),
      bottom: Math.max(this.active.row, this.anchor.row),
      left: Math.min(this.active.col, this.anchor.col),
      right: Math.max(this.active.col, this.anchor.col),
    };
  }

  get single(): boolean {
    return this.active.row === this.anchor.row && this.active.col === this.anchor.col;
  }

  moveTo(row: number, col: number, extend = false): void {
    const wanted = Math.min(this.lastRow, Math.max(0, row));
    const place = {
      row: this.rows.shown(wanted, wanted < this.active.row ? -1 : 1),
      col: Math.min(this.lastCol, Math.max(0, col)),
    };
    this.active = place;
    if (!extend) this.anchor = place;
    this.reveal(place);
    this.emit();
  }

  selectRange(anchor: Place, active: Place): void {
    this.anchor = anchor;
    this.active = active;
    this.emit();
  }

  activeColumn(): Column | undefined {
    return this.layout.columns[this.active.col]?.column;
  }

  activeRecord(): Rec | undefined {
    return this.pages.record(this.active.row);
  }

  activeEditable(): boolean {
    return this.layout.columns[this.active.col]?.editable === true;
  }

  // Editing

  startEdit(typed?: string): void {
    const record = this.activeRecord();
    const column = this.activeColumn();
    if (!record || !column) return;
    if (!this.activeEditable()) {
      this.announce(text.grid.readOnlyCell(column.name));
      return;
    }
    this.reveal(this.active);
    this.anchor = this.active;
    this.editing = {
      ...this.active,
      record,
      column,
      replace: typed !== undefined,
      initial: typed ?? valueText(this.shownValue(record, column.slug), column),
    };
    this.emit();
  }

  stopEdit(): void {
    this.editing = null;
    this.emit();
  }

  // Ticks

  get markedRows(): number {
    return markedCount(this.marks, this.rowCount.rows);
  }

  markRows(top: number, bottom: number, on: boolean): void {
    const ids: string[] = [];
    for (let row = top; row <= bottom; row++) {
      const record = this.pages.record(row);
      if (record) ids.push(record.id);
    }
    this.marks = markMany(this.marks, ids, on);
    this.announce(text.grid.selected(count(this.markedRows)));
  }

  toggleMark(row: number): void {
    const record = this.pages.record(row);
    if (record) this.markRows(row, row, !isMarked(this.marks, record.id));
  }

  markAll(on: boolean): void {
    this.marks = on ? ALL_MARKED : NO_MARKS;
    this.announce(on ? text.grid.selected(count(this.markedRows)) : text.grid.selectionCleared);
  }

  /** Every marked record, also of rows never shown, page by page; without values where only ids are wanted. */
  async *marked(what: 'ids' | 'records', marks = this.marks): AsyncGenerator<Rec[]> {
    const columns = what === 'ids' ? { columns: [] } : {};
    if (!marks.all) {
      const ids = [...marks.except];
      for (let i = 0; i < ids.length; i += IDS_AT_ONCE) {
        const filter = { column: 'id', operator: 'in', value: ids.slice(i, i + IDS_AT_ONCE) };
        yield (await api.query(this.table, { filter, ...columns, pagination: { type: 'offset', offset: 0, limit: IDS_AT_ONCE } })).records;
      }
      return;
    }
    let cursor: string | undefined;
    do {
      const pagination = { type: 'cursor' as const, limit: 1000, ...(cursor ? { cursor } : {}) };
      const reply = await api.query(this.table, { ...this.query(), ...columns, pagination });
      yield reply.records.filter((record) => isMarked(marks, record.id));
      cursor = reply.pagination.hasMore ? (reply.pagination.nextCursor ?? undefined) : undefined;
    } while (cursor);
  }
}
