// The keyboard map of the grid in navigation mode. Editors have their own keys.
import type { KeyboardEvent } from 'react';
import { namesFiles } from '../files/facts';
import { text } from '../text/en';
import type { GridModel } from './model';
import type { GridWriter } from './writer';

export interface GridActions {
  openRecord: (row: number) => void;
  /** Shows the files of the active cell; false if it has none. */
  showFiles: () => boolean;
  newRecord: () => void;
  openHeaderMenu: (col: number) => void;
  openCellMenu: () => void;
  moveColumn: (col: number, by: -1 | 1) => void;
  openFilter: () => void;
  openSort: () => void;
  openGroup: () => void;
  search: () => void;
  leave: () => void;
  mayEdit: boolean;
}

type Handler = (grid: GridModel, writer: GridWriter, actions: GridActions, event: KeyboardEvent) => boolean;

/** The next filled or empty edge from a cell, as spreadsheets jump; over unloaded rows it goes to the end. */
function edge(grid: GridModel, dRow: number, dCol: number): { row: number; col: number } {
  const { row, col } = grid.active;
  if (dRow !== 0) return { row: dRow > 0 ? grid.lastRow : 0, col };
  return { row, col: dCol > 0 ? grid.lastCol : 0 };
}

function move(dRow: number, dCol: number): Handler {
  return (grid, _writer, actions, event) => {
    if (event.altKey && event.shiftKey && dCol !== 0) {
      actions.moveColumn(grid.active.col, dCol > 0 ? 1 : -1);
      return true;
    }
    if (event.altKey && dRow > 0) {
      actions.openHeaderMenu(grid.active.col);
      return true;
    }
    if (event.altKey) return false;
    const { row, col } = grid.active;
    const to = event.ctrlKey || event.metaKey ? edge(grid, dRow, dCol) : { row: row + dRow, col: col + dCol };
    grid.moveTo(to.row, to.col, event.shiftKey);
    return true;
  };
}

const page = (by: number): Handler => (grid, _w, _a, event) => {
  grid.moveTo(grid.active.row + by * Math.max(1, grid.pageRows - 1), grid.active.col, event.shiftKey);
  return true;
};

const enter: Handler = (grid, writer, actions, event) => {
  if (event.shiftKey) {
    if (actions.mayEdit) actions.newRecord();
    return true;
  }
  if (toggle(grid, writer)) return true;
  if (grid.activeEditable()) grid.startEdit();
  else if (!actions.showFiles()) actions.openRecord(grid.active.row);
  return true;
};

function toggle(grid: GridModel, writer: GridWriter): boolean {
  const column = grid.activeColumn();
  const record = grid.activeRecord();
  if (!column || !record || column.fieldType !== 'boolean' || !grid.activeEditable()) return false;
  void writer.cell(record, column, grid.shownValue(record, column.slug) !== true);
  return true;
}

const space: Handler = (grid, writer, actions, event) => {
  const range = grid.range();
  if (event.shiftKey) {
    const record = grid.activeRecord();
    if (record) {
      const on = grid.marks.all === grid.marks.except.has(record.id);
      // All of them are more than those that were loaded.
      if (range.top === 0 && range.bottom === grid.lastRow) grid.markAll(on);
      else grid.markRows(range.top, range.bottom, on);
    }
    return true;
  }
  if (event.ctrlKey || event.metaKey) {
    grid.selectRange({ row: 0, col: range.left }, { row: grid.lastRow, col: range.right });
    return true;
  }
  if (!toggle(grid, writer) && !actions.showFiles()) actions.openRecord(grid.active.row);
  return true;
};

const tab: Handler = (grid, _w, actions, event) => {
  const step = event.shiftKey ? -1 : 1;
  const col = grid.active.col + step;
  if (col < 0 || col > grid.lastCol) {
    const row = grid.active.row + step;
    if (row < 0 || row > grid.lastRow) {
      actions.leave();
      return false;
    }
    grid.moveTo(row, step > 0 ? 0 : grid.lastCol);
    return true;
  }
  grid.moveTo(grid.active.row, col);
  return true;
};

const PLAIN: Record<string, Handler> = {
  ArrowUp: move(-1, 0),
  ArrowDown: move(1, 0),
  ArrowLeft: move(0, -1),
  ArrowRight: move(0, 1),
  PageUp: page(-1),
  PageDown: page(1),
  Home: (grid, _w, _a, event) => {
    grid.moveTo(event.ctrlKey || event.metaKey ? 0 : grid.active.row, 0, event.shiftKey);
    return true;
  },
  End: (grid, _w, _a, event) => {
    const row = event.ctrlKey || event.metaKey ? grid.lastRow : grid.active.row;
    grid.moveTo(row, grid.lastCol, event.shiftKey);
    return true;
  },
  Enter: enter,
  F2: (grid) => {
    grid.startEdit();
    return true;
  },
  ' ': space,
  Tab: tab,
  Delete: (_g, writer, actions) => {
    if (actions.mayEdit) void writer.clear();
    return true;
  },
  Backspace: (_g, writer, actions) => {
    if (actions.mayEdit) void writer.clear();
    return true;
  },
  Escape: (grid, _w, actions) => {
    if (!grid.single) grid.moveTo(grid.active.row, grid.active.col);
    else if (grid.markedRows > 0) grid.markAll(false);
    else {
      actions.leave();
      grid.announce(text.grid.leave);
    }
    return true;
  },
  ContextMenu: (_g, _w, actions) => {
    actions.openCellMenu();
    return true;
  },
  F10: (_g, _w, actions, event) => {
    if (!event.shiftKey) return false;
    actions.openCellMenu();
    return true;
  },
};

const WITH_CTRL: Record<string, Handler> = {
  a: (grid) => {
    grid.selectRange({ row: 0, col: 0 }, { row: grid.lastRow, col: grid.lastCol });
    grid.announce(text.grid.allSelected);
    return true;
  },
  z: (_g, writer, actions, event) => {
    if (actions.mayEdit) void (event.shiftKey ? writer.redo() : writer.undo());
    return true;
  },
  y: (_g, writer, actions) => {
    if (actions.mayEdit) void writer.redo();
    return true;
  },
  d: (_g, writer, actions) => {
    if (actions.mayEdit) void writer.fill('down');
    return true;
  },
  r: (_g, writer, actions) => {
    if (actions.mayEdit) void writer.fill('right');
    return true;
  },
  f: (_g, _w, actions, event) => {
    if (event.shiftKey) actions.openFilter();
    else actions.search();
    return true;
  },
  g: (_g, _w, actions, event) => {
    if (!event.shiftKey) return false;
    actions.openGroup();
    return true;
  },
  s: (_g, _w, actions, event) => {
    if (!event.shiftKey) return false;
    actions.openSort();
    return true;
  },
};

/** Does what a key means; false leaves it to the browser. */
export function handleKey(
  event: KeyboardEvent,
  grid: GridModel,
  writer: GridWriter,
  actions: GridActions,
): boolean {
  const ctrl = event.ctrlKey || event.metaKey;
  const plain = PLAIN[event.key];
  if (plain) return plain(grid, writer, actions, event);
  if (ctrl && !event.altKey) {
    const handler = WITH_CTRL[event.key.toLowerCase()];
    return handler ? handler(grid, writer, actions, event) : false;
  }
  if (event.altKey) return false;
  const column = grid.activeColumn();
  // Neither a tick nor a file is typed.
  if (column && ((column.fieldType === 'boolean' && !column.encrypted) || namesFiles(column))) return false;
  if (event.key === 'Process' || event.nativeEvent.isComposing) {
    if (actions.mayEdit && grid.activeEditable()) grid.startEdit('');
    return false;
  }
  if ([...event.key].length === 1) {
    if (actions.mayEdit) grid.startEdit(event.key);
    return true;
  }
  return false;
}
