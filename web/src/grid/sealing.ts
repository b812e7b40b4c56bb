// Columns of a shown table whose values became encrypted, readable, or masked in another way: noticed wherever it was done.
import { useEffect, useRef } from 'react';
import type { Column } from '../api/wire';

/** Calls with the columns that changed, when some did. */
export function useSealing(columns: Column[], changed: (columns: Column[]) => void): void {
  const before = useRef<ReadonlyMap<string, string> | null>(null);
  const tell = useRef(changed);
  tell.current = changed;
  useEffect(() => {
    const now = new Map(columns.map((column) => [column.slug, column.encrypted?.mask ?? (column.encrypted ? 'full' : '')]));
    const old = before.current;
    before.current = now;
    const others = old ? columns.filter(({ slug }) => old.has(slug) && old.get(slug) !== now.get(slug)) : [];
    if (others.length > 0) tell.current(others);
  }, [columns]);
}
