// Every change the grid makes: one cell, a range, a paste, a fill; with versions, undo and a report of what was refused.
import { history, records as api } from '../api/endpoints';
import { ApiError } from '../api/http';
import type { BulkReply, Column, Data, Rec } from '../api/wire';
import { parseText, sameValue, valueText } from '../fields/registry';
import { describedIn, filesOf, namesFiles } from '../files/facts';
import { text } from '../text/en';
import { messageOf } from '../ui/states';
import { show, showError } from '../ui/toast';
import { fromTsv, toHtml, toTsv } from './clipboard';
import { RANGE_ROWS_MAX, type BadCell, type GridModel, type Range } from './model';
import { untilReached } from './reached';
import { DeletesRefused, removeAll } from './removal';

/** How many records one bulk request may carry: up to so many, what is done is one operation, all or nothing. */
export const BULK_CHUNK = 10_000;

/** How often a cell is written again that others change meanwhile. */
const RELINKS_MAX = 4;

export interface Change {
  record: Rec;
  row: number;
  data: Data;
}

interface Written {
  id: string;
  before: Data;
  after: Data;
}

export class GridWriter {
  /** The last write of each record, so that two quick edits of one record go in order. */
  private tails = new Map<string, Promise<unknown>>();
  /** The newest version of each record this page knows to be its own doing. */
  private versions = new Map<string, number>();

  constructor(private readonly grid: GridModel) {}

  private newest(record: Rec): number {
    const row = this.grid.pages.rowOf(record.id);
    const cached = row === undefined ? undefined : this.grid.pages.record(row);
    return Math.max(record.version, cached?.version ?? 0, this.versions.get(record.id) ?? 0);
  }

  private accept(record: Rec): void {
    this.versions.set(record.id, record.version);
    this.grid.pages.replace(record);
  }

  /** One cell, from an editor. Shown at once; a refusal keeps what was typed. */
  async cell(record: Rec, column: Column, value: unknown, version?: number): Promise<void> {
    const { grid } = this;
    const slug = column.slug;
    if (sameValue(record.data[slug], value) && version === undefined) {
      grid.setCellState(record.id, slug, null);
      grid.emit();
      return;
    }
    const before = record.data[slug] ?? null;
    grid.setCellState(record.id, slug, { kind: 'saving', value });
    grid.emit();
    const previous = this.tails.get(record.id) ?? Promise.resolve();
    const write = previous
      .catch(() => undefined)
      .then(() => this.sent(record, column, value, version));
    this.tails.set(record.id, write);
    try {
      const saved = await write;
      this.accept(saved);
      grid.setCellState(record.id, slug, null);
      this.remember(text.undo.edit(column.name), [
        { id: record.id, before: { [slug]: before }, after: { [slug]: saved.data[slug] ?? null } },
      ]);
    } catch (error) {
      this.refused(record, column, value, error);
    }
    if (this.tails.get(record.id) === write) this.tails.delete(record.id);
    grid.emit();
  }

  /** A cell as the server has it then. While the server does not answer, it is sent again until it does. */
  private sent(record: Rec, { slug, name }: Column, value: unknown, version?: number): Promise<Rec> {
    const send = () => api.update(this.grid.table, record.id, { [slug]: value }, version ?? this.newest(record));
    // It had arrived, and only the answer was lost.
    const arrived = ({ status, current }: ApiError) => (status === 412 && current && sameValue(current.data[slug], value) ? current : undefined);
    return untilReached(send, arrived, () => showError(text.grid.kept(name)));
  }

  private refused(record: Rec, column: Column, value: unknown, error: unknown): void {
    const { grid } = this;
    if (error instanceof ApiError && error.status === 412) {
      grid.setCellState(record.id, column.slug, {
        kind: 'conflict',
        value,
        message: text.conflict.short,
        current: error.current ?? undefined,
      });
      grid.conflict = { record, column };
      return;
    }
    const issue =
      error instanceof ApiError
        ? (error.issues.find((one) => one.field === column.slug) ?? error.issues[0])
        : undefined;
    const message = issue?.message ?? messageOf(error);
    grid.setCellState(record.id, column.slug, { kind: 'error', value, message });
    // Whoever went on to the next cell sees it too.
    showError(text.grid.refused(column.name, message));
  }

  /** A cell changed by what is in it now: again over what somebody else made of it meanwhile. A refusal is thrown. */
  async relink(record: Rec, column: Column, change: (now: unknown) => unknown): Promise<Rec> {
    const previous = this.tails.get(record.id) ?? Promise.resolve();
    const write = previous.catch(() => undefined).then(() => this.relinked(record, column, change));
    this.tails.set(record.id, write);
    try {
      return await write;
    } finally {
      if (this.tails.get(record.id) === write) this.tails.delete(record.id);
    }
  }

  private async relinked(record: Rec, column: Column, change: (now: unknown) => unknown): Promise<Rec> {
    const row = this.grid.pages.rowOf(record.id);
    const cached = row === undefined ? undefined : this.grid.pages.record(row);
    let newest = cached && cached.version > record.version ? cached : record;
    for (let left = RELINKS_MAX; ; left--) {
      try {
        const saved = await api.update(this.grid.table, record.id, { [column.slug]: change(newest.data[column.slug]) }, newest.version);
        this.wrote(newest, saved, column);
        return saved;
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 412 || left === 0) throw error;
        newest = await api.get(this.grid.table, record.id);
      }
    }
  }

  /** One cell that is written already: shown, and a step to undo. */
  wrote(before: Rec, saved: Rec, column: Column): void {
    const { slug } = column;
    this.accept(saved);
    this.grid.setCellState(saved.id, slug, null);
    if (!sameValue(before.data[slug], saved.data[slug])) {
      this.remember(text.undo.edit(column.name), [
        { id: saved.id, before: { [slug]: before.data[slug] ?? null }, after: { [slug]: saved.data[slug] ?? null } },
      ]);
    }
    this.grid.emit();
  }

  /** A conflict answered: mine again over theirs, or theirs. */
  async settle(record: Rec, column: Column, keepMine: boolean): Promise<void> {
    const state = this.grid.cellState(record.id, column.slug);
    this.grid.conflict = null;
    try {
      const current = state?.current ?? (await api.get(this.grid.table, record.id));
      this.accept(current);
      if (keepMine && state) {
        await this.cell(current, column, state.value, current.version);
        return;
      }
      this.grid.setCellState(record.id, column.slug, null);
    } catch (error) {
      showError(messageOf(error));
    }
    this.grid.emit();
  }

  discard(record: Rec, column: Column): void {
    this.grid.setCellState(record.id, column.slug, null);
    this.grid.emit();
  }

  /** Many cells at once: all of them, or a report and the choice to keep the good ones. */
  async cells(changes: Change[], label: string, refused: BadCell[] = []): Promise<void> {
    const { grid } = this;
    const real = changes.filter((change) =>
      Object.entries(change.data).some(([slug, value]) => !sameValue(change.record.data[slug], value)),
    );
    if (real.length === 0 && refused.length === 0) return;
    this.overlay(real, true);
    if (refused.length > 0) {
      this.overlay(real, false);
      this.reportBad(label, real, refused);
      return;
    }
    await this.sendChunks(real, label, false);
    grid.emit();
  }

  private overlay(changes: Change[], on: boolean): void {
    for (const { record, data } of changes) {
      for (const [slug, value] of Object.entries(data)) {
        this.grid.setCellState(record.id, slug, on ? { kind: 'saving', value } : null);
      }
    }
    this.grid.emit();
  }

  private reportBad(label: string, changes: Change[], bad: BadCell[]): void {
    const cells = changes.reduce((sum, change) => sum + Object.keys(change.data).length, 0);
    this.grid.report = {
      title: label,
      bad,
      good: cells,
      keepGood:
        changes.length > 0
          ? async () => {
              this.overlay(changes, true);
              await this.sendChunks(changes, label, true);
            }
          : undefined,
    };
    this.grid.emit();
  }

  private async sendChunks(changes: Change[], label: string, keepGood: boolean): Promise<void> {
    const written: Written[] = [];
    const failed: { change: Change; bad: BadCell[] }[] = [];
    try {
      for (let i = 0; i < changes.length; i += BULK_CHUNK) {
        const chunk = changes.slice(i, i + BULK_CHUNK);
        const reply = await this.sendChunk(chunk, keepGood);
        failed.push(...this.badCells(chunk, reply));
        for (const { index, record } of reply.updated ?? []) {
          const change = chunk[index];
          if (!change || !record) continue;
          const before: Data = {};
          for (const slug of Object.keys(change.data)) before[slug] = change.record.data[slug] ?? null;
          written.push({ id: record.id, before, after: change.data });
          this.accept(record);
        }
        if (failed.length > 0 && !keepGood) break;
      }
    } catch (error) {
      showError(messageOf(error));
    }
    this.overlay(changes, false);
    if (written.length > 0) {
      this.remember(label, written);
      this.grid.announce(text.grid.changed(written.reduce((n, w) => n + Object.keys(w.after).length, 0)));
    }
    if (failed.length > 0) this.afterFailure(changes, failed, written, label, keepGood);
  }

  private async sendChunk(chunk: Change[], keepGood: boolean): Promise<BulkReply> {
    const updates = chunk.map(({ record, data }) => ({
      recordId: record.id,
      data,
      version: this.newest(record),
    }));
    try {
      return await api.bulkUpdate(this.grid.table, updates, keepGood);
    } catch (error) {
      if (!(error instanceof ApiError) || !error.issues.some((issue) => issue.index !== undefined)) throw error;
      const errors = new Map<number, BulkReply['errors'][number]>();
      for (const issue of error.issues) {
        const index = issue.index ?? 0;
        const entry = errors.get(index) ?? { index, errors: [] };
        entry.errors.push(issue);
        errors.set(index, entry);
      }
      return { updated: [], errors: [...errors.values()] };
    }
  }

  private badCells(chunk: Change[], reply: BulkReply): { change: Change; bad: BadCell[] }[] {
    return reply.errors.flatMap(({ index, errors }) => {
      const change = chunk[index];
      if (!change) return [];
      const bad = errors.map((issue) => ({
        row: change.row,
        column: issue.field ?? '',
        value: issue.field ? String(change.data[issue.field] ?? '') : '',
        message: issue.message,
      }));
      return [{ change, bad }];
    });
  }

  private afterFailure(
    changes: Change[],
    failed: { change: Change; bad: BadCell[] }[],
    written: Written[],
    label: string,
    keepGood: boolean,
  ): void {
    const bad = failed.flatMap((one) => one.bad);
    if (keepGood) {
      this.grid.report = { title: label, bad, good: written.length };
      this.grid.emit();
      return;
    }
    const done = new Set(written.map((one) => one.id));
    const wrong = new Set(failed.map((one) => one.change.record.id));
    this.reportBad(
      label,
      changes.filter((change) => !done.has(change.record.id) && !wrong.has(change.record.id)),
      bad,
    );
  }

  private remember(label: string, written: Written[]): void {
    this.grid.history.push({
      label,
      undo: () => this.replay(written, 'before'),
      redo: () => this.replay(written, 'after'),
    });
  }

  /** Writes the values of a step again, only over records nobody else has changed since. */
  private async replay(written: Written[], side: 'before' | 'after'): Promise<void> {
    for (let i = 0; i < written.length; i += BULK_CHUNK) {
      const updates = written.slice(i, i + BULK_CHUNK).map((one) => ({
        recordId: one.id,
        data: one[side],
        version: this.versions.get(one.id),
      }));
      const only = updates.length === 1 ? updates[0] : undefined;
      if (only) {
        this.accept(await api.update(this.grid.table, only.recordId, only.data, only.version));
        continue;
      }
      const reply = await api.bulkUpdate(this.grid.table, updates);
      if (reply.errors.length > 0) {
        throw new Error(reply.errors[0]?.errors[0]?.message ?? text.undo.failed);
      }
      for (const { record } of [...(reply.updated ?? []), ...(reply.unchanged ?? [])]) if (record) this.accept(record);
    }
    this.grid.emit();
  }

  async undo(): Promise<void> {
    await this.travel('undo');
  }

  async redo(): Promise<void> {
    await this.travel('redo');
  }

  private async travel(way: 'undo' | 'redo'): Promise<void> {
    try {
      const label = await this.grid.history[way]();
      const message = label === null ? text.undo.nothing(way) : text.undo.done(way, label);
      this.grid.announce(message);
      if (label !== null) show(message);
    } catch (error) {
      const changed = error instanceof ApiError && error.status === 412;
      showError(changed ? text.undo.changedSince : messageOf(error));
    }
    this.grid.emit();
  }

  // Ranges

  private async rangeRows(range: Range): Promise<Rec[] | null> {
    if (range.bottom - range.top + 1 > RANGE_ROWS_MAX) {
      showError(text.grid.rangeTooLarge(RANGE_ROWS_MAX));
      return null;
    }
    try {
      return await this.grid.pages.rows(range.top, range.bottom, new AbortController().signal);
    } catch (error) {
      showError(messageOf(error));
      return null;
    }
  }

  private columnsOf(range: Range): { column: Column; editable: boolean }[] {
    return this.grid.layout.columns.slice(range.left, range.right + 1);
  }

  async copy(): Promise<boolean> {
    const range = this.grid.range();
    const rows = await this.rangeRows(range);
    if (!rows) return false;
    const columns = this.columnsOf(range);
    const cells = rows.map((record) =>
      columns.map(({ column }) => this.copied(record, column)),
    );
    const plain = toTsv(cells);
    try {
      const item = new ClipboardItem({
        'text/plain': new Blob([plain], { type: 'text/plain' }),
        'text/html': new Blob([toHtml(cells)], { type: 'text/html' }),
      });
      await navigator.clipboard.write([item]);
    } catch {
      showError(text.grid.clipboardRefused);
      return false;
    }
    this.grid.announce(text.grid.copied(rows.length * columns.length));
    return true;
  }

  /** A value as it is copied: as it would be typed, but files by their names. */
  private copied(record: Rec, column: Column): string {
    const shown = this.grid.shownValue(record, column.slug);
    if (!namesFiles(column)) return valueText(shown, column);
    return filesOf(shown, describedIn(record, column)).map((file) => file.name ?? text.files.unnamed).join(', ');
  }

  /** What copy would put on the clipboard when every row of the range is already here; for the copy event. */
  copyNow(): { plain: string; html: string } | null {
    const range = this.grid.range();
    const columns = this.columnsOf(range);
    const cells: string[][] = [];
    for (let row = range.top; row <= range.bottom; row++) {
      const record = this.grid.pages.record(row);
      if (!record) return null;
      cells.push(columns.map(({ column }) => this.copied(record, column)));
    }
    this.grid.announce(text.grid.copied(cells.length * columns.length));
    return { plain: toTsv(cells), html: toHtml(cells) };
  }

  async clear(): Promise<void> {
    const range = this.grid.range();
    const rows = await this.rangeRows(range);
    if (!rows) return;
    const columns = this.columnsOf(range).filter((one) => one.editable);
    if (columns.length === 0) return;
    const changes = rows.map((record, i) => ({
      record,
      row: range.top + i,
      data: Object.fromEntries(columns.map(({ column }) => [column.slug, null])),
    }));
    await this.cells(changes, text.undo.clear);
  }

  /** Fills the range from its first row (or column); a single cell takes the value before it. */
  async fill(way: 'down' | 'right'): Promise<void> {
    const range = { ...this.grid.range() };
    if (way === 'down' && range.top === range.bottom) range.top = Math.max(0, range.top - 1);
    if (way === 'right' && range.left === range.right) range.left = Math.max(0, range.left - 1);
    const rows = await this.rangeRows(range);
    const first = rows?.[0];
    if (!rows || !first) return;
    const columns = this.columnsOf(range);
    const source = columns[0];
    if (!source) return;
    const bad: BadCell[] = [];
    const changes: Change[] = [];
    rows.forEach((record, i) => {
      if (way === 'down' && i === 0) return;
      const data: Data = {};
      columns.forEach(({ column, editable }, j) => {
        if (!editable || (way === 'right' && j === 0)) return;
        if (way === 'down') data[column.slug] = this.grid.shownValue(first, column.slug) ?? null;
        else {
          const typed = valueText(this.grid.shownValue(record, source.column.slug), source.column);
          this.put(data, column, typed, range.top + i, bad);
        }
      });
      changes.push({ record, row: range.top + i, data });
    });
    await this.cells(changes, way === 'down' ? text.undo.fillDown : text.undo.fillRight, bad);
  }

  private put(data: Data, column: Column, typed: string, row: number, bad: BadCell[]): void {
    const parsed = parseText(typed, column);
    if (parsed.ok) data[column.slug] = parsed.value;
    else bad.push({ row, column: column.slug, value: typed, message: parsed.message });
  }

  /** Pastes a block at the range: one value fills it, a larger block grows, rows past the end can be added. */
  async paste(input: string): Promise<Data[]> {
    const block = fromTsv(input);
    const { grid } = this;
    const range = grid.range();
    const one = block.length === 1 && block[0]?.length === 1;
    const height = one || (range.bottom - range.top + 1) % block.length === 0
      ? Math.max(block.length, range.bottom - range.top + 1)
      : block.length;
    const blockWidth = Math.max(...block.map((row) => row.length));
    const width = one ? range.right - range.left + 1 : blockWidth;
    const target: Range = {
      top: range.top,
      bottom: Math.min(range.top + height - 1, grid.rowCount.rows - 1),
      left: range.left,
      right: Math.min(range.left + width - 1, grid.lastCol),
    };
    const rows = target.bottom < target.top ? [] : await this.rangeRows(target);
    if (!rows) return [];
    const columns = this.columnsOf(target);
    const bad: BadCell[] = [];
    const dataOf = (i: number) => {
      const data: Data = {};
      columns.forEach(({ column, editable }, j) => {
        const source = block[i % block.length];
        const typed = one ? block[0]?.[0] : source?.[j];
        if (editable && typed !== undefined) this.put(data, column, typed, range.top + i, bad);
      });
      return data;
    };
    const changes = rows
      .map((record, i) => ({ record, row: target.top + i, data: dataOf(i) }))
      .filter((change) => Object.keys(change.data).length > 0);
    const surplus: Data[] = [];
    for (let i = rows.length; i < block.length; i++) surplus.push(dataOf(i));
    if (rows.length > 0) {
      grid.selectRange({ row: target.top, col: target.left }, { row: target.bottom, col: target.right });
    }
    await this.cells(changes, text.undo.paste, bad);
    return bad.length > 0 ? [] : surplus;
  }

  /** Adds rows that a paste brought past the end. */
  async append(rows: Data[]): Promise<void> {
    try {
      const created: string[] = [];
      for (let i = 0; i < rows.length; i += BULK_CHUNK) {
        const reply = await api.bulkCreate(this.grid.table, rows.slice(i, i + BULK_CHUNK));
        if (reply.errors.length > 0) {
          const bad = reply.errors.flatMap(({ index, errors }) =>
            errors.map((issue) => ({
              row: this.grid.rowCount.rows + i + index,
              column: issue.field ?? '',
              value: issue.field ? String(rows[i + index]?.[issue.field] ?? '') : '',
              message: issue.message,
            })),
          );
          this.grid.report = { title: text.undo.add(rows.length), bad, good: created.length };
          break;
        }
        created.push(...(reply.created ?? []).flatMap(({ record }) => (record ? [record.id] : [])));
      }
      this.created(created, text.undo.add(created.length));
    } catch (error) {
      showError(messageOf(error));
    }
    this.grid.refresh();
  }

  /** Remembers records as created here, so that undo removes them. */
  created(ids: string[], label: string): void {
    if (ids.length === 0) return;
    let removal: string[] = [];
    this.grid.history.push({
      label,
      undo: async () => {
        removal = await removeAll(this.grid.table, ids, BULK_CHUNK);
        this.grid.refresh();
      },
      redo: async () => {
        await this.revert(removal);
        this.grid.refresh();
      },
    });
  }

  /** Takes operations back, each as a unit, the newest first; answers what would do them again. */
  private async revert(operations: string[]): Promise<string[]> {
    const undos: string[] = [];
    let left = 0;
    for (const operation of operations.toReversed()) {
      const report = await history.revert(this.grid.place.workspaceId, operation, false);
      left += report.skippedTotal;
      if (report.operation) undos.push(report.operation);
    }
    if (left > 0) showError(text.undo.left(left));
    return undos;
  }

  /** Moves records to the trash, with Undo; answers whether all are there, and reports which are not and why. */
  async remove(ids: string[]): Promise<boolean> {
    try {
      this.removed(await removeAll(this.grid.table, ids, BULK_CHUNK), ids.length);
      return true;
    } catch (error) {
      if (!(error instanceof DeletesRefused)) throw error;
      const { why, operations, left } = error;
      if (operations.length > 0) this.removed(operations, ids.length - left.length);
      const good = left.filter((id) => !why.has(id));
      this.grid.report = {
        title: text.undo.remove(left.length),
        deleting: true,
        bad: [...why].map(([id, message]) => ({ row: this.grid.pages.rowOf(id) ?? 0, column: '', value: '', message })),
        good: good.length,
        keepGood: good.length > 0 ? async () => void (await this.remove(good)) : undefined,
      };
      this.grid.emit();
      return false;
    }
  }

  private removed(made: string[], records: number): void {
    let operations = made;
    const turn = async () => {
      operations = await this.revert(operations);
      this.grid.refresh();
    };
    this.grid.history.push({ label: text.undo.remove(records), undo: turn, redo: turn });
    show(text.grid.deleted(records), { label: text.common.undo, run: () => void this.undo() });
    this.grid.refresh();
  }
}
