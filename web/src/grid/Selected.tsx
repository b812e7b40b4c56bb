// Sum and average of the selected numbers: counted here where all of them are here, by the server where whole columns are selected.
import { useQuery } from '@tanstack/react-query';
import { records as api } from '../api/endpoints';
import { newestSeen } from '../api/http';
import type { Aggregate, AggregateAsked, Column } from '../api/wire';
import { text } from '../text/en';
import { count } from '../ui/time';
import { figureText, NUMBERS } from './figures';
import { RANGE_ROWS_MAX, type GridModel } from './model';

interface Total {
  sum: number;
  count: number;
}

export function Selected({ grid }: { grid: GridModel }) {
  const selected = !grid.single && grid.loaded;
  const columns = selected ? numbersOf(grid) : [];
  const here = columns.length > 0 ? addedUp(grid, columns) : null;
  const { top, bottom, left, right } = grid.range();
  const whole = top === 0 && bottom === grid.lastRow && columns.length > 0 && here === null;
  const { filter, search } = grid.query();
  const body = { filter, search, aggregates: aggregatesOf(columns) } as AggregateAsked;
  const asked = useQuery({
    queryKey: ['selected', grid.table, body, newestSeen()],
    queryFn: async ({ signal }) => {
      const values = (await api.aggregate(grid.table, body, signal)).groups[0]?.values ?? {};
      const total = (name: string) => columns.reduce((sum, column) => sum + Number(values[`${name}_${column.slug}`] ?? 0), 0);
      return { sum: total('sum'), count: total('count') };
    },
    enabled: whole,
    gcTime: 0,
  });
  if (!selected) return null;
  const total = here ?? (whole ? (asked.data ?? null) : null);
  const first = columns[0];
  return (
    <span className="selected-figures">
      <span>{text.figures.selected(count((bottom - top + 1) * (right - left + 1)))}</span>
      {total && total.count > 0 && first && (
        <>
          <span>{text.figures.sum(figureText(total.sum, first))}</span>
          <span>{text.figures.avg(figureText(total.sum / total.count, first))}</span>
        </>
      )}
    </span>
  );
}

function numbersOf(grid: GridModel): Column[] {
  const { left, right } = grid.range();
  return grid.layout.columns
    .slice(left, right + 1)
    .map((place) => place.column)
    .filter((column) => NUMBERS.has(column.fieldType) && !column.encrypted);
}

function aggregatesOf(columns: Column[]): Aggregate[] {
  return columns.flatMap(({ slug }): Aggregate[] => [
    { function: 'sum', column: slug, as: `sum_${slug}` },
    { function: 'count', column: slug, as: `count_${slug}` },
  ]);
}

/** Nothing if a row is not here: half a sum would be a wrong one. */
function addedUp(grid: GridModel, columns: Column[]): Total | null {
  const { top, bottom } = grid.range();
  if (bottom - top >= RANGE_ROWS_MAX) return null;
  const total: Total = { sum: 0, count: 0 };
  for (let row = top; row <= bottom; row++) {
    const record = grid.pages.record(row);
    if (!record) return null;
    for (const column of columns) {
      const value = grid.shownValue(record, column.slug);
      if (value === null || value === undefined || value === '' || Number.isNaN(Number(value))) continue;
      total.sum += Number(value);
      total.count += 1;
    }
  }
  return total;
}
