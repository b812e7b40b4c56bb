// The lines above the rows of groups: the value, how many, and the figures of the columns. Opens and closes a group.
import { ChevronDown, ChevronRight } from 'lucide-react';
import type { FieldColumn } from '../api/wire';
import type { Filterable } from '../filter/model';
import { text } from '../text/en';
import { count } from '../ui/time';
import { CellValue } from './cells';
import { figureText } from './figures';
import { GROUP_HEIGHT, type Layout } from './geometry';
import type { GridModel } from './model';
import type { Frame } from './scroll';

/** Lines are drawn so far above and below what is in view. */
const BEYOND_PX = 240;

export function GroupLines({ grid, layout, column, frame }: { grid: GridModel; layout: Layout; column?: Filterable; frame: Frame }) {
  if (!column) return null;
  const { groups } = grid.rows;
  return groups.map((place, i) => {
    if (place.top < frame.top - BEYOND_PX || place.top > frame.top + frame.viewHeight + BEYOND_PX) return null;
    const group = grid.groups[i];
    if (!group) return null;
    const none = group.value === null || group.value === undefined || group.value === '';
    const of: FieldColumn = column.column ?? column;
    const Sign = place.collapsed ? ChevronRight : ChevronDown;
    return (
      <div key={i} role="row" className="group-line" style={{ top: place.top - frame.base, width: layout.width, height: GROUP_HEIGHT }}>
        <div role="gridcell" aria-colindex={1} className="group-cell">
          <button
            type="button"
            aria-expanded={!place.collapsed}
            style={{ maxWidth: (layout.columns[0]?.left ?? 0) + (layout.columns[0]?.width ?? 0) }}
            onClick={() => grid.collapse(i, !place.collapsed)}
          >
            <Sign size={14} aria-hidden />
            <span className="group-value">{none ? <em>{text.group.none}</em> : <CellValue value={group.value} column={of} />}</span>
            <span className="group-count">{count(group.count)}</span>
            {of.fieldType === 'boolean' && !none && <span className="visually-hidden">{group.value ? text.fields.yes : text.fields.no}</span>}
          </button>
        </div>
        {layout.columns.map((one, col) => {
          const figure = grid.view.figures?.[one.column.slug];
          // The first column has the value of the group.
          if (!figure || col === 0) return null;
          return (
            <div
              key={one.column.id}
              role="gridcell"
              aria-colindex={col + 2}
              className={`group-figure${col < layout.frozen ? ' frozen' : ''}`}
              style={{ left: one.left, width: one.width }}
            >
              {figureText(group.figures[one.column.slug], one.column)}
            </div>
          );
        })}
      </div>
    );
  });
}
