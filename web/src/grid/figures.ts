// Figures over columns: which a column has, what is asked of the server for them, how one reads.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect } from 'react';
import { records as api } from '../api/endpoints';
import { newestSeen } from '../api/http';
import type { Aggregate, AggregateAnswer, Column, FieldColumn } from '../api/wire';
import { displayText } from '../fields/registry';
import { isRelated } from '../filter/model';
import type { Figure, GridModel, View } from './model';

/** Edits that follow each other quickly are counted once. */
const REST_MS = 600;
const TOTAL = 'count';

export const NUMBERS = new Set(['number', 'currency', 'percent', 'rating']);
const ORDERED = new Set([...NUMBERS, 'duration', 'autoNumber', 'date', 'dateTime', 'time', 'createdTime', 'updatedTime']);
const GROUPABLE = new Set([
  'text', 'number', 'boolean', 'date', 'time', 'duration', 'currency', 'percent', 'rating', 'select', 'email', 'url', 'phone', 'barcode',
]);
const UNCOUNTED = new Set(['json', 'secret', 'createdBy', 'updatedBy']);

export function figuresOf(column: Column): Figure[] {
  if (column.encrypted || UNCOUNTED.has(column.fieldType) || isRelated(column)) return [];
  return [
    ...(NUMBERS.has(column.fieldType) ? (['sum', 'avg'] as const) : []),
    ...(ORDERED.has(column.fieldType) ? (['min', 'max'] as const) : []),
    'filled', 'empty', ...(namesSeveral(column) ? [] : (['countDistinct'] as const)),
  ];
}

const namesSeveral = (column: Column) =>
  column.fieldType === 'multiSelect' || column.fieldType === 'users' || column.fieldType === 'files' || column.config?.relationType === 'manyToMany';

export function groupable(column: FieldColumn): boolean {
  return !column.encrypted && GROUPABLE.has(column.fieldType);
}

const exact = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** A figure as a person reads it; what is more exact than a number can be stays as it was sent. */
export function figureText(value: number | string | null | undefined, column: Column): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return exact.format(value);
  if (/^-?\d+\.\d+$/.test(value) && value.split('.')[0]!.length < 16) return exact.format(Number(value));
  return NUMBERS.has(column.fieldType) ? value : displayText(value, column);
}

function asked(figures: Record<string, Figure>, columns: Column[]): Aggregate[] {
  const wanted = columns.flatMap((column): Aggregate[] => {
    const figure = figures[column.slug];
    if (!figure || !figuresOf(column).includes(figure)) return [];
    return [{ function: figure === 'filled' || figure === 'empty' ? 'count' : figure, column: column.slug, as: `figure_${column.slug}` }];
  });
  return [{ function: 'count', as: TOTAL }, ...wanted];
}

type Values = AggregateAnswer['groups'][number]['values'];

function figuresIn(values: Values, figures: Record<string, Figure>): Record<string, number | string | null> {
  return Object.fromEntries(
    Object.entries(figures).map(([slug, figure]) => {
      const value = values[`figure_${slug}`] ?? null;
      return [slug, figure === 'empty' && value !== null ? Number(values[TOTAL]) - Number(value) : value];
    }),
  );
}

/** Figures of all rows of a view, by slug; and its groups, put into the grid. */
export function useFigures(grid: GridModel, view: View, columns: Column[]) {
  const [revision] = useDebouncedValue(newestSeen(), REST_MS);
  const { filter, search } = grid.query();
  const figures = view.figures ?? {};
  const aggregates = asked(figures, columns);
  const body = { ...(filter ? { filter } : {}), ...(search ? { search } : {}), aggregates };
  const whole = useQuery({
    queryKey: ['figures', grid.table, body, revision],
    queryFn: ({ signal }) => api.aggregate(grid.table, body as Parameters<typeof api.aggregate>[1], signal),
    enabled: aggregates.length > 1,
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  const { group } = view;
  const grouped = useQuery({
    queryKey: ['groups', grid.table, group?.column, body, revision],
    queryFn: ({ signal }) =>
      api.aggregate(grid.table, { ...(body as Parameters<typeof api.aggregate>[1]), groupBy: [group?.column ?? ''] }, signal),
    enabled: group !== undefined,
    gcTime: 0,
  });
  useEffect(() => {
    if (!group) {
      if (grid.groups.length > 0) grid.setGroups([]);
      return;
    }
    // The rows follow a little later than what was asked for: their groups with them.
    if (!grouped.data || grid.view.group?.column !== group.column) return;
    const found = grouped.data.groups.map(({ key, values }) => ({
      value: key[group.column] ?? null,
      count: Number(values[TOTAL]),
      figures: figuresIn(values, figures),
    }));
    // The server puts what is empty last, whichever way; so do the rows.
    const filled = found.filter((one) => one.value !== null);
    const empty = found.filter((one) => one.value === null);
    grid.setGroups([...(group.direction === 'desc' ? filled.reverse() : filled), ...empty]);
  }, [grid, grid.view, grouped.data, group?.column, group?.direction, JSON.stringify(figures)]);
  const values = whole.data?.groups[0]?.values;
  return {
    figures: values ? figuresIn(values, figures) : {},
    error: whole.error ?? grouped.error,
    pending: whole.isFetching,
  };
}
