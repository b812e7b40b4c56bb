// The header row: names, types, sort signs, resizing and moving columns by drag. Menus open from here too.
import { ArrowDown, ArrowUp, ChevronDown, Plus } from 'lucide-react';
import { useRef, useState, type PointerEvent } from 'react';
import type { SortKey } from '../api/wire';
import { kindOfColumn } from '../fields/registry';
import { text } from '../text/en';
import { clampWidth, columnsShown, HEADER_HEIGHT, type Layout } from './geometry';
import type { GridModel } from './model';

export interface HeaderProps {
  grid: GridModel;
  layout: Layout;
  firstCol: number;
  lastCol: number;
  sort: SortKey[];
  mayEdit: boolean;
  allMarked: boolean;
  someMarked: boolean;
  selectedFrom: number;
  selectedTo: number;
  resize: (columnId: string, width: number, done: boolean) => void;
  fit: (columnId: string) => void;
  move: (from: number, to: number) => void;
  openMenu: (col: number, at: { x: number; y: number }) => void;
  addColumn: () => void;
}

interface Drag {
  col: number;
  startX: number;
  target: number;
  moved: boolean;
}

const DRAG_FROM_PX = 5;

export function Header(props: HeaderProps) {
  const { layout, grid } = props;
  const [drag, setDrag] = useState<Drag | null>(null);
  const resizing = useRef<{ id: string; startX: number; width: number } | null>(null);
  const root = useRef<HTMLDivElement>(null);

  /** Before which column the pointer is, in layout order. */
  const targetAt = (clientX: number): number => {
    const box = root.current?.getBoundingClientRect();
    const inside = clientX - (box?.left ?? 0);
    // What is frozen stands where it would be without scrolling.
    const scrolled = clientX - (root.current?.closest('.view')?.getBoundingClientRect().left ?? 0);
    const x = scrolled < layout.frozenWidth ? scrolled : inside;
    let at = layout.columns.findIndex(({ left, width }) => x < left + width / 2);
    if (at < 0) at = layout.columns.length;
    return Math.max(1, at);
  };
  const onPointerMove = (event: PointerEvent) => {
    if (resizing.current) {
      const { id, startX, width } = resizing.current;
      props.resize(id, clampWidth(width + event.clientX - startX), false);
      return;
    }
    if (!drag) return;
    const moved = drag.moved || Math.abs(event.clientX - drag.startX) > DRAG_FROM_PX;
    setDrag({ ...drag, moved, target: targetAt(event.clientX) });
  };
  const onPointerUp = (event: PointerEvent) => {
    if (resizing.current) {
      const { id, startX, width } = resizing.current;
      resizing.current = null;
      props.resize(id, clampWidth(width + event.clientX - startX), true);
      return;
    }
    if (!drag) return;
    setDrag(null);
    if (!drag.moved) return;
    const to = drag.target > drag.col ? drag.target - 1 : drag.target;
    if (to !== drag.col) props.move(drag.col, to);
  };
  const select = (col: number, extend: boolean) => {
    grid.selectRange(
      { row: 0, col: extend ? grid.anchor.col : col },
      { row: grid.lastRow, col },
    );
    grid.selectRange({ row: grid.lastRow, col: extend ? grid.anchor.col : col }, { row: 0, col });
  };
  const cols = columnsShown(layout, props.firstCol, props.lastCol);
  const line = drag?.moved ? layout.columns[drag.target]?.left ?? layout.width : null;
  return (
    <div
      ref={root}
      role="row"
      aria-rowindex={1}
      className="head"
      style={{ width: layout.width, height: HEADER_HEIGHT }}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={() => {
        setDrag(null);
        resizing.current = null;
      }}
    >
      <div role="columnheader" aria-colindex={1} className="head-gutter" aria-label={text.grid.rowNumbers}>
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={text.grid.selectAll}
          checked={props.allMarked}
          ref={(box) => {
            if (box) box.indeterminate = props.someMarked && !props.allMarked;
          }}
          onChange={() => grid.markAll(!(props.allMarked || props.someMarked))}
        />
      </div>
      {cols.map((col) => {
        const place = layout.columns[col];
        if (!place) return null;
        const { column } = place;
        const Icon = kindOfColumn(column).icon;
        const sorted = props.sort.findIndex((key) => key.column === column.slug);
        const direction = props.sort[sorted]?.direction;
        return (
          <div
            key={column.id}
            role="columnheader"
            aria-colindex={col + 2}
            aria-sort={direction ? (direction === 'asc' ? 'ascending' : 'descending') : undefined}
            className={`head-cell${col < layout.frozen ? ' frozen' : ''}`}
            data-col={col}
            data-selected={col >= props.selectedFrom && col <= props.selectedTo ? true : undefined}
            data-dragged={drag?.moved && drag.col === col ? true : undefined}
            title={column.description ?? undefined}
            style={{ left: place.left, width: place.width }}
            onPointerDown={(event) => {
              if (event.button !== 0 || (event.target as HTMLElement).closest('button')) return;
              select(col, event.shiftKey);
              if (!props.mayEdit || col === 0) return;
              root.current?.setPointerCapture(event.pointerId);
              setDrag({ col, startX: event.clientX, target: col, moved: false });
            }}
            onContextMenu={(event) => {
              event.preventDefault();
              props.openMenu(col, { x: event.clientX, y: event.clientY });
            }}
          >
            <Icon size={14} className="head-icon" aria-hidden />
            <span className="head-name">{column.name}</span>
            {column.validation?.required && (
              <span className="head-required" title={text.columns.required} aria-label={text.columns.required} role="img">
                *
              </span>
            )}
            {direction && (
              <span className="head-sort" aria-hidden>
                {direction === 'asc' ? <ArrowUp size={13} /> : <ArrowDown size={13} />}
                {props.sort.length > 1 && sorted + 1}
              </span>
            )}
            <button
              type="button"
              tabIndex={-1}
              className="head-menu"
              aria-label={text.grid.columnMenu(column.name)}
              aria-haspopup="menu"
              onClick={(event) => {
                const box = event.currentTarget.getBoundingClientRect();
                props.openMenu(col, { x: box.left, y: box.bottom + 4 });
              }}
            >
              <ChevronDown size={14} aria-hidden />
            </button>
            {props.mayEdit && (
              <span
                className="head-resize"
                onDoubleClick={() => props.fit(column.id)}
                onPointerDown={(event) => {
                  event.stopPropagation();
                  root.current?.setPointerCapture(event.pointerId);
                  resizing.current = { id: column.id, startX: event.clientX, width: place.width };
                }}
              />
            )}
          </div>
        );
      })}
      {line !== null && <div className="head-line" style={{ left: line }} />}
      {props.mayEdit && (
        <div role="columnheader" className="head-add" style={{ left: layout.width }}>
          <button
            type="button"
            tabIndex={-1}
            aria-label={text.columns.add}
            title={text.columns.add}
            onClick={props.addColumn}
          >
            <Plus size={15} aria-hidden />
          </button>
        </div>
      )}
    </div>
  );
}
