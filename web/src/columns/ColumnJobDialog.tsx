// What can be done with a column that is there, each in a dialog that is fetched when it is first opened.
import { lazy, Suspense } from 'react';
import type { Column, ColumnJobKind, FilterNode, Table } from '../api/wire';

const ColumnJob = lazy(() => import('../vault/ColumnJob').then((all) => ({ default: all.ColumnJob })));
const TypeChange = lazy(() => import('./TypeChange').then((all) => ({ default: all.TypeChange })));
const MergeOptions = lazy(() => import('./MergeOptions').then((all) => ({ default: all.MergeOptions })));
const Values = lazy(() => import('./Values').then((all) => ({ default: all.Values })));

/** Jobs of the vault, and what is done to the column itself. */
export type ColumnAct = ColumnJobKind | 'changeType' | 'mergeOptions' | 'values';

/** What is asked for. */
export interface AskedJob {
  column: Column;
  kind: ColumnAct;
}

interface Props {
  table: Table;
  asked: AskedJob | null;
  close: () => void;
  /** Shows the records that a filter finds. */
  filter: (rule: FilterNode) => void;
}

export function ColumnJobDialog({ table, asked, close, filter }: Props) {
  if (!asked) return null;
  return <Suspense fallback={null}>{dialogOf(table, asked, close, filter)}</Suspense>;
}

function dialogOf(table: Table, { column, kind }: AskedJob, close: () => void, filter: Props['filter']) {
  const shared = { table, column, close };
  switch (kind) {
    case 'changeType':
      return <TypeChange {...shared} />;
    case 'mergeOptions':
      return <MergeOptions {...shared} />;
    case 'values':
      return <Values {...shared} filter={filter} />;
    default:
      return <ColumnJob {...shared} kind={kind} />;
  }
}
