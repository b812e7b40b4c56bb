// The row below the grid: a figure of each column over all records shown. Which one is chosen in a menu, here or in that of the column.
import { text } from '../text/en';
import { count } from '../ui/time';
import { figuresOf, figureText } from './figures';
import { columnsShown, FOOT_HEIGHT, type Layout } from './geometry';
import type { GridModel } from './model';

interface FootProps {
  grid: GridModel;
  layout: Layout;
  firstCol: number;
  lastCol: number;
  figures: Record<string, number | string | null>;
  open: (col: number, at: { x: number; y: number }) => void;
}

export function Foot({ grid, layout, firstCol, lastCol, figures, open }: FootProps) {
  return (
    <div role="row" aria-rowindex={grid.rowCount.rows + 2} className="foot" style={{ width: layout.width, height: FOOT_HEIGHT }}>
      <div role="gridcell" aria-colindex={1} className="foot-gutter" />
      {columnsShown(layout, firstCol, lastCol).map((col) => {
        const place = layout.columns[col];
        if (!place) return null;
        const { column } = place;
        const figure = grid.view.figures?.[column.slug];
        const value = figures[column.slug];
        const counted = figure === 'filled' || figure === 'empty' || figure === 'countDistinct';
        return (
          <div
            key={column.id}
            role="gridcell"
            aria-colindex={col + 2}
            className={`foot-cell${col < layout.frozen ? ' frozen' : ''}`}
            style={{ left: place.left, width: place.width }}
          >
            {figuresOf(column).length > 0 && (
              <button
                type="button"
                tabIndex={-1}
                aria-haspopup="menu"
                title={figure && value !== undefined ? `${text.figures.names[figure]}: ${figureText(value, column)}` : undefined}
                onClick={(event) => {
                  const box = event.currentTarget.getBoundingClientRect();
                  open(col, { x: box.left, y: box.top });
                }}
              >
                {figure ? (
                  <>
                    <span className="foot-name">{text.figures.names[figure]}</span>
                    <span className="foot-value">{value === undefined ? '…' : counted ? count(Number(value)) : figureText(value, column)}</span>
                  </>
                ) : (
                  <span className="foot-add">+ {text.figures.add}</span>
                )}
              </button>
            )}
          </div>
        );
      })}
    </div>
  );
}
