// Where rows and columns are, in pixels. Knows no DOM.
import { editable, kindOfColumn } from '../fields/registry';
import type { Column } from '../api/wire';

export const ROW_HEIGHT = 33;
export const HEADER_HEIGHT = 36;
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

export function vertical(rows: number, bodyHeight: number, tail: number): Vertical {
  const total = rows * ROW_HEIGHT + tail;
  const sizer = Math.min(total, SIZER_LIMIT);
  const maxTop = Math.max(0, total - bodyHeight);
  const maxScroll = Math.max(1, sizer - bodyHeight);
  return { total, sizer, maxTop, factor: total > SIZER_LIMIT ? maxTop / maxScroll : 1 };
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
  /** Right edge of the frozen part. */
  frozenWidth: number;
}

export function clampWidth(width: number): number {
  return Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width)));
}

export function layoutOf(columns: Column[], widths: ReadonlyMap<string, number>, mayEdit: boolean): Layout {
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
  return { columns: placed, width: left, frozenWidth: GUTTER_WIDTH + (placed[0]?.width ?? 0) };
}

/** First and last column that show between two x positions; column 0 is frozen and not counted. */
export function columnWindow(layout: Layout, left: number, viewWidth: number): [number, number] {
  const from = left + layout.frozenWidth;
  const to = left + viewWidth;
  let first = 1;
  const { columns } = layout;
  while (first < columns.length - 1 && columns[first]!.left + columns[first]!.width <= from) first++;
  let last = first;
  while (last < columns.length - 1 && columns[last + 1]!.left < to) last++;
  return [first, Math.min(last, columns.length - 1)];
}
