// Where rows and columns are, in pixels. Knows no DOM.
import { editable, kindOfColumn } from '../fields/registry';
import type { Column } from '../api/wire';

export const ROW_HEIGHTS = { short: 33, medium: 57, tall: 99 } as const;
export type RowSize = keyof typeof ROW_HEIGHTS;
/** Of the line above the rows of a group. */
export const GROUP_HEIGHT = 38;
export const HEADER_HEIGHT = 36;
/** Of the figures below the rows. */
export const FOOT_HEIGHT = 30;
/** What stands above and below the rows. */
export const AROUND_HEIGHT = HEADER_HEIGHT + FOOT_HEIGHT;
export const GUTTER_WIDTH = 64;
export const MIN_WIDTH = 60;
export const MAX_WIDTH = 900;

/** Browsers cap the height of an element, Firefox the lowest near 17.8 million pixels; beyond this it is mapped. */
export const SIZER_LIMIT = 8_000_000;

/** Row positions are given from a base this far apart, so that transforms keep small numbers. */
export const BASE_STEP = 500_000;

export interface Vertical {
  total: number;
  sizer: number;
  /** Pixels of rows for one pixel of scroll bar. */
  factor: number;
  maxTop: number;
}

export function vertical(rowsHeight: number, bodyHeight: number, tail: number): Vertical {
  const total = rowsHeight + tail;
  const sizer = Math.min(total, SIZER_LIMIT);
  const maxTop = Math.max(0, total - bodyHeight);
  const maxScroll = Math.max(1, sizer - bodyHeight);
  return { total, sizer, maxTop, factor: total > SIZER_LIMIT ? maxTop / maxScroll : 1 };
}

export interface GroupSpan {
  count: number;
  collapsed: boolean;
}

export interface PlacedGroup extends GroupSpan {
  /** Its first row. */
  start: number;
  /** Where its line is; its rows follow. */
  top: number;
}

/** Where each row is. Rows keep their numbers when they are grouped; those of a collapsed group have no height. */
export class Rows {
  readonly groups: PlacedGroup[] = [];
  /** Height of all of them. */
  readonly total: number;

  constructor(
    readonly count: number,
    readonly height: number,
    spans: readonly GroupSpan[] = [],
  ) {
    let [start, top] = [0, 0];
    spans.forEach(({ count: size, collapsed }, i) => {
      // The counts may be older than the rows: the last group takes what is left.
      const rows = i === spans.length - 1 ? Math.max(0, count - start) : Math.min(size, count - start);
      this.groups.push({ start, count: rows, collapsed, top });
      start += rows;
      top += GROUP_HEIGHT + (collapsed ? 0 : rows * height);
    });
    this.total = spans.length > 0 ? top : count * height;
  }

  /** The last group that begins at or before a place. */
  private groupBy(place: (group: PlacedGroup) => boolean): PlacedGroup | undefined {
    let [low, high] = [0, this.groups.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (place(this.groups[middle]!)) low = middle;
      else high = middle - 1;
    }
    return this.groups[low];
  }

  groupOf(row: number): PlacedGroup | undefined {
    return this.groupBy((one) => one.start <= row);
  }

  topOf(row: number): number {
    const group = this.groupOf(row);
    if (!group) return row * this.height;
    return group.top + GROUP_HEIGHT + (group.collapsed ? 0 : (row - group.start) * this.height);
  }

  hidden(row: number): boolean {
    return this.groupOf(row)?.collapsed ?? false;
  }

  /** The row at a height, or the nearest one of its group. */
  at(y: number): number {
    const group = this.groupBy((one) => one.top <= y);
    if (!group) return Math.floor(y / this.height);
    const within = group.collapsed ? 0 : Math.max(0, Math.floor((y - group.top - GROUP_HEIGHT) / this.height));
    return group.start + Math.min(within, Math.max(0, group.count - 1));
  }

  /** The nearest row that shows, from one on in a direction; else in the other one. */
  shown(row: number, step: 1 | -1): number {
    if (!this.hidden(row)) return row;
    for (const way of [step, -step]) {
      for (let i = this.groups.indexOf(this.groupOf(row)!) + way; i >= 0 && i < this.groups.length; i += way) {
        const group = this.groups[i]!;
        if (!group.collapsed && group.count > 0) return way > 0 ? group.start : group.start + group.count - 1;
      }
    }
    return row;
  }

  /** The rows between two that show, as runs. */
  runs(first: number, last: number): [number, number][] {
    if (this.groups.length === 0) return last >= first ? [[first, last]] : [];
    return this.groups.flatMap((group): [number, number][] => {
      const from = Math.max(first, group.start);
      const to = Math.min(last, group.start + group.count - 1);
      return group.collapsed || to < from ? [] : [[from, to]];
    });
  }
}

export interface PlacedColumn {
  column: Column;
  left: number;
  width: number;
  editable: boolean;
  align: 'start' | 'end' | 'center';
}

export interface Layout {
  columns: PlacedColumn[];
  /** Total width, gutter included. */
  width: number;
  /** How many columns stay while the others scroll. */
  frozen: number;
  /** Right edge of the frozen part. */
  frozenWidth: number;
}

export function clampWidth(width: number): number {
  return Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width)));
}

export function layoutOf(columns: Column[], widths: ReadonlyMap<string, number>, mayEdit: boolean, frozen: number): Layout {
  let left = GUTTER_WIDTH;
  const placed = columns.map((column) => {
    const kind = kindOfColumn(column);
    const width = clampWidth(widths.get(column.id) ?? column.width ?? kind.width);
    const one: PlacedColumn = {
      column,
      left,
      width,
      editable: mayEdit && editable(column),
      align: kind.align ?? 'start',
    };
    left += width;
    return one;
  });
  const kept = Math.min(Math.max(1, frozen), placed.length);
  const edge = placed[kept - 1];
  return { columns: placed, width: left, frozen: kept, frozenWidth: edge ? edge.left + edge.width : GUTTER_WIDTH };
}

/** First and last column that show between two x positions; the frozen ones are not counted. */
export function columnWindow(layout: Layout, left: number, viewWidth: number): [number, number] {
  const from = left + layout.frozenWidth;
  const to = left + viewWidth;
  let first = layout.frozen;
  const { columns } = layout;
  while (first < columns.length - 1 && columns[first]!.left + columns[first]!.width <= from) first++;
  let last = first;
  while (last < columns.length - 1 && columns[last + 1]!.left < to) last++;
  return [first, Math.min(last, columns.length - 1)];
}

/** The columns to draw: the frozen ones, and those in view. */
export function columnsShown(layout: Layout, firstCol: number, lastCol: number): number[] {
  const shown = Array.from({ length: layout.frozen }, (_, col) => col);
  for (let col = Math.max(layout.frozen, firstCol); col <= lastCol; col++) shown.push(col);
  return shown;
}
