// One row of the grid. Drawn again only when something of this row changed.
import { ExternalLink, Eye, FileUp, Maximize2 } from 'lucide-react';
import { memo, type ReactNode } from 'react';
import type { Rec } from '../api/wire';
import { hrefOf } from '../fields/registry';
import { describedIn, filesOf, namesFiles } from '../files/facts';
import { text } from '../text/en';
import { CellValue } from './cells';
import { columnsShown, ROW_HEIGHTS, type Layout, type PlacedColumn } from './geometry';
import type { GridModel } from './model';

export interface RowProps {
  grid: GridModel;
  row: number;
  top: number;
  height: number;
  record: Rec | undefined;
  layout: Layout;
  firstCol: number;
  lastCol: number;
  /** Selected columns of this row, or -1. */
  selectedFrom: number;
  selectedTo: number;
  /** The active column in this row, or -1. */
  activeCol: number;
  marked: boolean;
  /** Whether files may be opened, not only named. */
  mayFetch: boolean;
  /** Changes whenever a cell of this record is being saved, refused or done. */
  stamp: number;
}

/** What the buttons of an active cell with files cover. */
const FILE_BUTTONS_WIDTH = 52;

export const cellId = (row: number, col: number): string => `cell-${row}-${col}`;

export const Row = memo(function Row(props: RowProps) {
  const { layout, row, record, marked } = props;
  const cells = columnsShown(layout, props.firstCol, props.lastCol).map((col) => <Cell key={col} {...props} col={col} />);
  return (
    <div
      role="row"
      aria-rowindex={row + 2}
      aria-selected={marked || undefined}
      className="row"
      data-marked={marked || undefined}
      style={{ top: props.top, width: layout.width, height: props.height }}
    >
      <div role="gridcell" aria-colindex={1} className="gutter" data-row={row}>
        <span className="gutter-number" aria-hidden>
          {row + 1}
        </span>
        {record && (
          <>
            <input
              type="checkbox"
              tabIndex={-1}
              className="gutter-check"
              aria-label={text.grid.selectRow(row + 1)}
              checked={marked}
              data-mark={row}
              readOnly
            />
            <button
              type="button"
              tabIndex={-1}
              className="gutter-open"
              aria-label={text.grid.openRow(row + 1)}
              data-open={row}
            >
              <Maximize2 size={12} aria-hidden />
            </button>
          </>
        )}
      </div>
      {cells}
    </div>
  );
});

function classOf(place: PlacedColumn, frozen: boolean): string {
  const align = place.align === 'start' ? '' : ` cell-${place.align}`;
  return `cell${align}${frozen ? ' frozen' : ''}`;
}

function Cell({ grid, row, height, record, layout, col, selectedFrom, selectedTo, activeCol, mayFetch }: RowProps & { col: number }) {
  const place = layout.columns[col];
  if (!place) return null;
  const { column } = place;
  const state = record ? grid.cellState(record.id, column.slug) : undefined;
  const value = record ? (state ? state.value : record.data[column.slug]) : undefined;
  const active = activeCol === col;
  const href = active ? hrefOf(value, column) : null;
  const files = namesFiles(column) ? filesOf(value, describedIn(record, column)) : undefined;
  return (
    <div
      role="gridcell"
      id={cellId(row, col)}
      aria-colindex={col + 2}
      aria-readonly={place.editable ? undefined : true}
      aria-invalid={state?.kind === 'error' || state?.kind === 'conflict' ? true : undefined}
      className={classOf(place, col < layout.frozen)}
      data-row={row}
      data-col={col}
      data-selected={col >= selectedFrom && col <= selectedTo ? true : undefined}
      data-active={active || undefined}
      data-state={state?.kind}
      title={state?.message}
      style={{ left: place.left, width: place.width }}
    >
      {record ? (
        <Lines many={height > ROW_HEIGHTS.short && !files}>
          <CellValue
            value={value}
            column={column}
            display={state ? undefined : record.data._display?.[column.slug]}
            files={files}
            width={place.width - (active ? FILE_BUTTONS_WIDTH : 0)}
            height={height}
          />
        </Lines>
      ) : (
        <span className="ghost" />
      )}
      {active && record && files && <FileButtons name={column.name} show={mayFetch && files.length > 0} bring={place.editable} />}
      {href && (
        <a
          className="cell-link"
          href={href}
          target="_blank"
          rel="noopener noreferrer"
          tabIndex={-1}
          aria-label={text.grid.openLink}
        >
          <ExternalLink size={13} aria-hidden />
        </a>
      )}
    </div>
  );
}

/** What can be done with the files of the active cell by mouse or touch; the keys are Space and Enter. */
function FileButtons({ name, show, bring }: { name: string; show: boolean; bring: boolean }) {
  if (!show && !bring) return null;
  return (
    <span className="cell-tools">
      {show && (
        <button type="button" tabIndex={-1} data-files="show" aria-label={text.files.show(name)} title={text.files.show(name)}>
          <Eye size={14} aria-hidden />
        </button>
      )}
      {bring && (
        <button type="button" tabIndex={-1} data-files="bring" aria-label={text.files.bring(name)} title={text.files.bring(name)}>
          <FileUp size={14} aria-hidden />
        </button>
      )}
    </span>
  );
}

/** In tall rows a value takes as many lines as there is room for. */
function Lines({ many, children }: { many: boolean; children: ReactNode }) {
  return many ? <span className="cell-text">{children}</span> : children;
}
