// The dialog of a job on a column, fetched when it is first opened: it comes with the vault's words.
import { lazy, Suspense } from 'react';
import type { Column, ColumnJobKind, Table } from '../api/wire';

const ColumnJob = lazy(() => import('../vault/ColumnJob').then((all) => ({ default: all.ColumnJob })));

/** A job that is asked for. */
export interface AskedJob {
  column: Column;
  kind: ColumnJobKind;
}

export function ColumnJobDialog({ table, asked, close }: { table: Table; asked: AskedJob | null; close: () => void }) {
  if (!asked) return null;
  return (
    <Suspense fallback={null}>
      <ColumnJob table={table} column={asked.column} kind={asked.kind} close={close} />
    </Suspense>
  );
}
