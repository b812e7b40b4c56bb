// Sum and average of the selected numbers, as far as they are here.
import { text } from '../text/en';
import { count } from '../ui/time';
import { figureText, NUMBERS } from './figures';
import { RANGE_ROWS_MAX, type GridModel } from './model';

export function Selected({ grid }: { grid: GridModel }) {
  if (grid.single || !grid.loaded) return null;
  const { top, bottom, left, right } = grid.range();
  const cells = (bottom - top + 1) * (right - left + 1);
  const found = bottom - top < RANGE_ROWS_MAX ? numbersIn(grid) : null;
  const column = grid.layout.columns[left]?.column;
  return (
    <span className="selected-figures">
      <span>{text.figures.selected(count(cells))}</span>
      {found && found.count > 0 && column && (
        <>
          <span>{text.figures.sum(figureText(found.sum, column))}</span>
          <span>{text.figures.avg(figureText(found.sum / found.count, column))}</span>
        </>
      )}
    </span>
  );
}

/** Nothing if a row is not here: half a sum would be a wrong one. */
function numbersIn(grid: GridModel): { sum: number; count: number } | null {
  const { top, bottom, left, right } = grid.range();
  const columns = grid.layout.columns.slice(left, right + 1).filter(({ column }) => NUMBERS.has(column.fieldType) && !column.encrypted);
  if (columns.length === 0) return null;
  const all = { sum: 0, count: 0 };
  for (let row = top; row <= bottom; row++) {
    const record = grid.pages.record(row);
    if (!record) return null;
    for (const { column } of columns) {
      const value = grid.shownValue(record, column.slug);
      if (value === null || value === undefined || value === '' || Number.isNaN(Number(value))) continue;
      all.sum += Number(value);
      all.count += 1;
    }
  }
  return all;
}
