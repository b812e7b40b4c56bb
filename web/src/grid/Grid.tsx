// The grid: draws the rows and columns in view and turns mouse and keys into moves, edits and ranges.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { Data, SortKey } from '../api/wire';
import { kindOf } from '../fields/registry';
import { namesFiles } from '../files/facts';
import type { Filterable } from '../filter/model';
import { text } from '../text/en';
import type { CellFilesActions } from './cellFiles';
import { CellEditor, type Then } from './Editor';
import { Foot } from './Foot';
import { AROUND_HEIGHT, FOOT_HEIGHT, HEADER_HEIGHT, type Layout } from './geometry';
import { GroupLines } from './GroupLines';
import { Header } from './Header';
import { handleKey, type GridActions } from './keyboard';
import { isMarked } from './marks';
import type { GridModel } from './model';
import { cellId, Row } from './Row';
import { TAIL_HEIGHT, TAIL_WIDTH, useGridScroll } from './scroll';
import type { GridWriter } from './writer';

export interface GridProps {
  grid: GridModel;
  writer: GridWriter;
  layout: Layout;
  name: string;
  sort: SortKey[];
  /** The column whose values make the groups. */
  groupColumn?: Filterable;
  mayEdit: boolean;
  /** What can be done with the files of cells. */
  files: CellFilesActions;
  /** Whether columns may be added, moved and made wider. */
  mayShape: boolean;
  resize: (columnId: string, width: number, done: boolean) => void;
  /** Makes a column as wide as what is in it. */
  fit: (columnId: string) => void;
  move: (from: number, to: number) => void;
  openHeaderMenu: (col: number, at: { x: number; y: number }) => void;
  /** Figures over all rows, by column. */
  figures: Record<string, number | string | null>;
  openFigureMenu: (col: number, at: { x: number; y: number }) => void;
  openCellMenu: (at: { x: number; y: number }) => void;
  openRecord: (row: number) => void;
  newRecord: () => void;
  addColumn: () => void;
  openFilter: () => void;
  openSort: () => void;
  openGroup: () => void;
  search: () => void;
  offerRows: (rows: Data[]) => void;
}

const AUTOSCROLL_MS = 40;
const STEP: Record<Then, [number, number]> = { stay: [0, 0], down: [1, 0], up: [-1, 0], left: [0, -1], right: [0, 1] };

/** Narrow columns get a wider editor where the editor needs the room. */
function editorWidth(fieldType: string): number {
  const { editor } = kindOf(fieldType);
  return editor === 'select' || editor === 'multi' ? 230 : editor === 'dateTime' ? 230 : editor === 'date' ? 150 : 120;
}

/** A button in the head or foot that got the focus out of sight: the whole grid goes there, not that line alone. */
function handOn(event: React.UIEvent<HTMLElement>): void {
  const line = event.currentTarget;
  const by = line.scrollLeft;
  if (by === 0) return;
  line.scrollLeft = 0;
  line.closest('.grid')?.scrollBy({ left: by });
}

/** Focus may scroll what only transforms should move. */
const stay = (event: React.UIEvent<HTMLElement>) => event.currentTarget.scrollTo(0, 0);

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

export function Grid(props: GridProps) {
  const { grid, writer, layout, files } = props;
  useSyncExternalStore(grid.subscribe, grid.getVersion);
  const rows = grid.rowCount.rows;
  const places = grid.rows;
  const scroll = useGridScroll(places, layout);
  const { frame } = scroll;
  const [fillTo, setFillTo] = useState<number | null>(null);
  const drag = useRef<{ kind: 'select' | 'fill'; x: number; y: number } | null>(null);

  grid.layout = layout;
  grid.reveal = scroll.reveal;
  grid.pageRows = Math.max(1, Math.floor((frame.viewHeight - AROUND_HEIGHT) / places.height));

  useEffect(() => {
    if (rows > 0 && frame.lastRow >= frame.firstRow) grid.pages.want(places.runs(frame.firstRow, frame.lastRow));
  }, [grid, rows, places, frame.firstRow, frame.lastRow]);

  const range = grid.range();
  const focusGrid = useCallback(() => scroll.scroller.current?.focus({ preventScroll: true }), [scroll.scroller]);
  useLayoutEffect(() => {
    const here = scroll.scroller.current;
    if (grid.focused && document.activeElement === document.body) here?.focus({ preventScroll: true });
    return () => {
      grid.focused = here?.contains(document.activeElement) ?? false;
    };
  }, [grid, scroll.scroller]);

  const pasteText = useCallback(
    async (input: string) => {
      const surplus = await writer.paste(input);
      if (surplus.length > 0) props.offerRows(surplus);
    },
    [writer, props],
  );

  const actions: GridActions = useMemo(() => {
    const rectOf = (selector: string) => {
      const box = scroll.scroller.current?.querySelector(selector)?.getBoundingClientRect();
      return { x: box?.left ?? 200, y: box?.bottom ?? 200 };
    };
    return {
      openRecord: props.openRecord,
      showFiles: () => files.preview(grid.active.row, grid.active.col),
      newRecord: props.newRecord,
      openHeaderMenu: (col) => props.openHeaderMenu(col, rectOf(`.head-cell[data-col="${col}"]`)),
      openCellMenu: () => props.openCellMenu(rectOf(`#${cellId(grid.active.row, grid.active.col)}`)),
      moveColumn: (col, by) => {
        const to = col + by;
        if (props.mayShape && col > 0 && to > 0 && to < layout.columns.length) props.move(col, to);
      },
      openFilter: props.openFilter,
      openSort: props.openSort,
      openGroup: props.openGroup,
      search: props.search,
      leave: () => scroll.scroller.current?.blur(),
      mayEdit: props.mayEdit,
    };
  }, [props, grid, layout, files, scroll.scroller]);

  const onPointerDown = (event: React.PointerEvent) => {
    const target = event.target as HTMLElement;
    if (event.button !== 0 || target.closest('.editor, .head, .foot, .group-line, a, .head-add')) return;
    const mark = target.closest<HTMLElement>('[data-mark]')?.dataset.mark;
    const open = target.closest<HTMLElement>('[data-open]')?.dataset.open;
    if (mark !== undefined || open !== undefined) return;
    if (target.closest('.fill-handle')) {
      drag.current = { kind: 'fill', x: event.clientX, y: event.clientY };
      setFillTo(range.bottom);
      event.preventDefault();
      return;
    }
    const cell = target.closest<HTMLElement>('[data-col]');
    const gutter = target.closest<HTMLElement>('.gutter');
    if (gutter) {
      const row = Number(gutter.dataset.row);
      grid.selectRange({ row: event.shiftKey ? grid.anchor.row : row, col: grid.lastCol }, { row, col: 0 });
      return;
    }
    if (!cell) return;
    grid.moveTo(Number(cell.dataset.row), Number(cell.dataset.col), event.shiftKey);
    drag.current = { kind: 'select', x: event.clientX, y: event.clientY };
  };

  useEffect(() => {
    const follow = () => {
      const held = drag.current;
      if (!held) return;
      const place = scroll.cellAt(held.x, held.y);
      if (held.kind === 'fill') setFillTo(Math.max(grid.range().bottom, place.row));
      else if (place.row !== grid.active.row || place.col !== grid.active.col) grid.selectRange(grid.anchor, place);
    };
    const onMove = (event: PointerEvent) => {
      if (!drag.current) return;
      drag.current.x = event.clientX;
      drag.current.y = event.clientY;
      follow();
    };
    const onUp = () => {
      const held = drag.current;
      drag.current = null;
      if (held?.kind !== 'fill') return;
      const place = scroll.cellAt(held.x, held.y);
      setFillTo(null);
      const current = grid.range();
      if (place.row <= current.bottom) return;
      grid.selectRange({ row: current.top, col: current.left }, { row: place.row, col: current.right });
      void writer.fill('down');
    };
    const timer = setInterval(() => {
      if (!drag.current) return;
      scroll.nudge(drag.current.x, drag.current.y);
      follow();
    }, AUTOSCROLL_MS);
    window.addEventListener('pointermove', onMove);
    window.addEventListener('pointerup', onUp);
    return () => {
      clearInterval(timer);
      window.removeEventListener('pointermove', onMove);
      window.removeEventListener('pointerup', onUp);
    };
  }, [grid, writer, scroll]);

  const onClick = (event: React.MouseEvent) => {
    const target = event.target as HTMLElement;
    const open = target.closest<HTMLElement>('[data-open]')?.dataset.open;
    const mark = target.closest<HTMLElement>('[data-mark]')?.dataset.mark;
    if (open !== undefined) props.openRecord(Number(open));
    const way = target.closest<HTMLElement>('[data-files]')?.dataset.files;
    if (way === 'bring') files.bring();
    else if (way === 'show') files.preview(grid.active.row, grid.active.col);
    if (mark === undefined) return;
    const row = Number(mark);
    if (event.shiftKey) grid.markRows(Math.min(grid.active.row, row), Math.max(grid.active.row, row), true);
    else {
      grid.toggleMark(row);
      grid.selectRange({ row, col: grid.active.col }, { row, col: grid.active.col });
    }
  };

  const onDoubleClick = (event: React.MouseEvent) => {
    if (!(event.target as HTMLElement).closest('.cell')) return;
    const column = grid.activeColumn();
    const record = grid.activeRecord();
    if (column?.fieldType === 'boolean' && !column.encrypted && record && props.mayEdit && grid.activeEditable()) {
      void writer.cell(record, column, grid.shownValue(record, column.slug) !== true);
      return;
    }
    const onPicture = (event.target as HTMLElement).closest('.thumb') !== null;
    if (column && namesFiles(column) && (onPicture || !props.mayEdit) && files.preview(grid.active.row, grid.active.col)) return;
    if (props.mayEdit) grid.startEdit();
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    if (handleKey(event, grid, writer, actions)) event.preventDefault();
  };

  const onCopy = (event: React.ClipboardEvent) => {
    if (event.target !== event.currentTarget) return;
    event.preventDefault();
    const ready = writer.copyNow();
    if (!ready) {
      void writer.copy();
      return;
    }
    event.clipboardData.setData('text/plain', ready.plain);
    event.clipboardData.setData('text/html', ready.html);
  };

  const commit = (value: unknown, then: Then) => {
    const editing = grid.editing;
    if (!editing) return;
    grid.editing = null;
    void writer.cell(editing.record, editing.column, value);
    const [dRow, dCol] = STEP[then];
    if (then !== 'stay') {
      focusGrid();
      grid.moveTo(editing.row + dRow, editing.col + dCol);
    } else grid.emit();
  };
  const cancel = () => {
    grid.stopEdit();
    focusGrid();
  };

  const shown = [];
  for (const row of places.runs(frame.firstRow, frame.lastRow).flatMap(([from, to]) => numbers(from, to))) {
    const record = grid.pages.record(row);
    const within = row >= range.top && row <= range.bottom;
    shown.push(
      <Row
        key={row}
        grid={grid}
        row={row}
        top={places.topOf(row) - frame.base}
        height={places.height}
        record={record}
        layout={layout}
        firstCol={frame.firstCol}
        lastCol={frame.lastCol}
        selectedFrom={within ? range.left : -1}
        selectedTo={within ? range.right : -1}
        activeCol={row === grid.active.row ? grid.active.col : -1}
        marked={record ? isMarked(grid.marks, record.id) : grid.marks.all}
        mayFetch={files.mayFetch}
        stamp={record ? grid.stampOf(record.id) : 0}
      />,
    );
  }
  const activeShown =
    rows > 0 &&
    grid.active.row >= frame.firstRow &&
    grid.active.row <= frame.lastRow &&
    !places.hidden(grid.active.row) &&
    (grid.active.col < layout.frozen || (grid.active.col >= frame.firstCol && grid.active.col <= frame.lastCol));
  const markedRows = grid.markedRows;
  const corner = layout.columns[range.right];
  const below = places.topOf(range.bottom) + places.height - frame.base;
  // Files are brought in a dialog, not in the cell.
  const editing = grid.editing && !namesFiles(grid.editing.column) ? grid.editing : null;
  const active = grid.activeRecord();
  const activePlace = layout.columns[grid.active.col];
  const why = active && activePlace && activeShown && !editing ? grid.cellState(active.id, activePlace.column.slug)?.message : undefined;
  const editingPlace = editing ? layout.columns[editing.col] : undefined;
  return (
    <div
      ref={scroll.scroller}
      role="grid"
      tabIndex={0}
      className="grid"
      data-row-size={grid.view.rowSize ?? 'short'}
      aria-label={text.grid.label(props.name)}
      aria-rowcount={rows + 1}
      aria-colcount={layout.columns.length + 1}
      aria-multiselectable="true"
      aria-activedescendant={activeShown && !editing ? cellId(grid.active.row, grid.active.col) : undefined}
      onScroll={scroll.onScroll}
      onFocus={(event) => {
        // Whoever comes by keyboard sees where they are.
        if (event.target === event.currentTarget && event.target.matches(':focus-visible') && rows > 0) grid.reveal(grid.active);
      }}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
      onClick={onClick}
      onDoubleClick={onDoubleClick}
      onContextMenu={(event) => {
        const cell = (event.target as HTMLElement).closest<HTMLElement>('.cell');
        if (!cell) return;
        event.preventDefault();
        const row = Number(cell.dataset.row);
        const col = Number(cell.dataset.col);
        const inside = row >= range.top && row <= range.bottom && col >= range.left && col <= range.right;
        if (!inside) grid.moveTo(row, col);
        props.openCellMenu({ x: event.clientX, y: event.clientY });
      }}
      {...files.drag}
      onCopy={onCopy}
      onCut={(event) => {
        if (event.target !== event.currentTarget) return;
        onCopy(event);
        if (props.mayEdit) void writer.clear();
      }}
      onPaste={(event) => {
        if (event.target !== event.currentTarget || !props.mayEdit) return;
        event.preventDefault();
        if (!files.paste(event.clipboardData)) void pasteText(event.clipboardData.getData('text/plain'));
      }}
    >
      <div
        className="sizer"
        role="presentation"
        style={{ width: layout.width + TAIL_WIDTH, height: scroll.vertical.sizer + AROUND_HEIGHT }}
      >
        <div
          ref={scroll.sticky}
          className="view"
          role="presentation"
          style={{ width: frame.viewWidth, height: frame.viewHeight }}
        >
          <div className="head-clip" role="rowgroup" style={{ height: HEADER_HEIGHT }} onScroll={handOn}>
            <div ref={scroll.head} role="presentation">
              <Header
                grid={grid}
                layout={layout}
                firstCol={frame.firstCol}
                lastCol={frame.lastCol}
                sort={props.sort}
                mayEdit={props.mayShape}
                allMarked={rows > 0 && markedRows === rows}
                someMarked={markedRows > 0}
                selectedFrom={range.left}
                selectedTo={range.right}
                resize={props.resize}
                fit={props.fit}
                move={props.move}
                openMenu={props.openHeaderMenu}
                addColumn={props.addColumn}
              />
            </div>
          </div>
          <div className="body-clip" role="presentation" onScroll={stay}>
            <div ref={scroll.body} className="body" role="rowgroup">
              {shown}
              <GroupLines grid={grid} layout={layout} column={props.groupColumn} frame={frame} />
              {props.mayEdit && corner && rows > 0 && !editing && !places.hidden(range.bottom) && (
                <div
                  className={`fill-handle${range.right < layout.frozen ? ' fill-frozen' : ''}`}
                  aria-hidden
                  style={{
                    left: corner.left + corner.width - 5,
                    top: below - 5,
                  }}
                />
              )}
              {fillTo !== null && fillTo > range.bottom && corner && (
                <div
                  className="fill-area"
                  aria-hidden
                  style={{
                    left: layout.columns[range.left]?.left ?? 0,
                    width: corner.left + corner.width - (layout.columns[range.left]?.left ?? 0),
                    top: below,
                    height: places.topOf(fillTo) - places.topOf(range.bottom),
                  }}
                />
              )}
              {props.mayEdit && rows > 0 && (
                <div
                  className="add-row"
                  role="row"
                  style={{ top: places.total - frame.base, height: TAIL_HEIGHT }}
                >
                  <div role="gridcell">
                    <button type="button" tabIndex={-1} onClick={props.newRecord}>
                      {text.grid.newRow}
                    </button>
                  </div>
                </div>
              )}
              {why && activePlace && (
                <div
                  className={`cell-why${grid.active.col < layout.frozen ? ' fill-frozen' : ''}`}
                  aria-hidden
                  style={{ left: activePlace.left, top: places.topOf(grid.active.row) + places.height - frame.base, minWidth: activePlace.width }}
                >
                  {why}
                </div>
              )}
              {editing && editingPlace && (
                <div role="row" aria-rowindex={editing.row + 2}>
                  <div role="gridcell" aria-colindex={editing.col + 2}>
                    <CellEditor
                      key={`${editing.record.id} ${editing.column.id}`}
                      editing={editing}
                      commit={commit}
                      cancel={cancel}
                      frozen={editing.col < layout.frozen}
                      box={{
                        left: editingPlace.left,
                        top: places.topOf(editing.row) - frame.base,
                        width: Math.max(editingPlace.width, editorWidth(editing.column.fieldType)),
                        height: places.height,
                      }}
                    />
                  </div>
                </div>
              )}
            </div>
          </div>
          <div className="foot-clip" role="rowgroup" style={{ height: FOOT_HEIGHT }} onScroll={handOn}>
            <div ref={scroll.foot} role="presentation">
              <Foot
                grid={grid}
                layout={layout}
                firstCol={frame.firstCol}
                lastCol={frame.lastCol}
                figures={props.figures}
                open={props.openFigureMenu}
              />
            </div>
          </div>
        </div>
      </div>
    </div>
  );
}
