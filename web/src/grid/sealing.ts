// Columns of a shown table whose values became encrypted, readable, masked in another way, or of another type: noticed wherever it was done.
import { useEffect, useRef } from 'react';
import type { Column } from '../api/wire';

const maskOf = (column: Column): string => column.encrypted?.mask ?? (column.encrypted ? 'full' : '');

/** Calls when the values of some columns became others, with those of which a view cannot say any more what it said. */
export function useSealing(columns: Column[], changed: (unfit: Column[]) => void): void {
  const before = useRef<ReadonlyMap<string, Column> | null>(null);
  const tell = useRef(changed);
  tell.current = changed;
  useEffect(() => {
    const old = before.current;
    before.current = new Map(columns.map((column) => [column.slug, column]));
    const others = columns.flatMap((column) => {
      const was = old?.get(column.slug);
      if (!was) return [];
      const retyped = was.fieldType !== column.fieldType;
      return retyped || maskOf(was) !== maskOf(column) ? [{ column, unfit: retyped || column.encrypted != null }] : [];
    });
    if (others.length > 0) tell.current(others.filter((one) => one.unfit).map((one) => one.column));
  }, [columns]);
}
