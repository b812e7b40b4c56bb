// How wide a column has to be for what is in it, by the rows that are here.
import type { Column } from '../api/wire';
import { idsOf, namesFiles } from '../files/facts';
import { displayText } from '../fields/registry';
import { clampWidth } from './geometry';
import type { GridModel } from './model';

const ROWS_MEASURED_MAX = 400;
/** Around a value, and around a name with its icon and menu. */
const CELL_ROOM = 24;
const PILL_ROOM = 22;
/** A small picture, and how many of them are worth a wider column. */
const THUMB_ROOM = 30;
const THUMBS_FITTED_MAX = 4;
const HEAD_ROOM = 62;
const FONT = '13px system-ui, sans-serif';
const HEAD_FONT = '600 13px system-ui, sans-serif';

export function fittingWidth(column: Column, grid: GridModel): number {
  const drawing = document.createElement('canvas').getContext('2d');
  if (!drawing) return clampWidth(column.width ?? 0);
  drawing.font = HEAD_FONT;
  let width = drawing.measureText(column.name).width + HEAD_ROOM;
  drawing.font = FONT;
  const room = CELL_ROOM + (column.fieldType.includes('elect') ? PILL_ROOM : namesFiles(column) ? THUMB_ROOM : 0);
  const from = Math.max(0, grid.active.row - ROWS_MEASURED_MAX / 2);
  for (let row = from; row < from + ROWS_MEASURED_MAX; row++) {
    const record = grid.pages.record(row);
    if (!record) continue;
    if (namesFiles(column) && idsOf(record.data[column.slug]).length > 1) {
      width = Math.max(width, Math.min(THUMBS_FITTED_MAX, idsOf(record.data[column.slug]).length) * THUMB_ROOM + 2 * CELL_ROOM);
      continue;
    }
    const shown = displayText(record.data[column.slug], column, record.data._display?.[column.slug]);
    width = Math.max(width, drawing.measureText(shown).width + room);
  }
  return clampWidth(Math.ceil(width));
}
