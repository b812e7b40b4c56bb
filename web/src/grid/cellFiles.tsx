// Files in the grid: shown large from a cell, dropped or pasted on one, or brought in a dialog. Writes nothing itself.
import { lazy, Suspense, useRef, useState, type DragEvent, type ReactNode } from 'react';
import { dragsFiles, dropped, type Dropped } from '../files/around';
import { describedIn, filesOf, idsOf, namesFiles } from '../files/facts';
import type { Column, Rec } from '../api/wire';
import type { GridModel } from './model';
import type { GridWriter } from './writer';

const FilesDialog = lazy(() => import('./FilesDialog'));
const PreviewDialog = lazy(() => import('../files/Preview').then((all) => ({ default: all.PreviewDialog })));

interface Shown {
  record: Rec;
  column: Column;
  at: number;
}

export interface CellFilesActions {
  /** Whether files may be opened, not only named. */
  mayFetch: boolean;
  /** Shows the files of a cell; false if it has none. */
  preview: (row: number, col: number) => boolean;
  /** Opens the list of the active cell. */
  bring: () => void;
  /** Takes files that were pasted on the active cell. */
  paste: (data: DataTransfer) => boolean;
  drag: { onDragOver: (event: DragEvent) => void; onDragLeave: (event: DragEvent) => void; onDrop: (event: DragEvent) => void };
  dialogs: ReactNode;
}

/** Dialogs give the focus back to where it was. */
const focusGrid = () => document.querySelector<HTMLElement>('.grid')?.focus({ preventScroll: true });

export function useCellFiles(grid: GridModel, writer: GridWriter, mayEdit: boolean, mayFetch: boolean): CellFilesActions {
  const [shown, setShown] = useState<Shown | null>(null);
  const [came, setCame] = useState<Dropped | null>(null);
  const over = useRef<HTMLElement | null>(null);
  const light = (cell: HTMLElement | null) => {
    if (over.current === cell) return;
    over.current?.removeAttribute('data-drop');
    cell?.setAttribute('data-drop', 'true');
    over.current = cell;
  };
  const targetOf = (event: DragEvent): HTMLElement | null => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('.cell');
    const place = cell ? grid.layout.columns[Number(cell.dataset.col)] : undefined;
    const record = cell ? grid.pages.record(Number(cell.dataset.row)) : undefined;
    return mayEdit && record && place?.editable && namesFiles(place.column) ? cell : null;
  };
  const bring = (some: Dropped | null) => {
    focusGrid();
    setCame(some);
    grid.startEdit();
  };
  const editing = grid.editing && namesFiles(grid.editing.column) ? grid.editing : null;
  const close = () => {
    setCame(null);
    grid.stopEdit();
  };
  return {
    mayFetch,
    bring: () => bring(null),
    preview: (row, col) => {
      const record = grid.pages.record(row);
      const column = grid.layout.columns[col]?.column;
      if (!mayFetch || !record || !column || !namesFiles(column) || idsOf(record.data[column.slug]).length === 0) return false;
      focusGrid();
      setShown({ record, column, at: 0 });
      return true;
    },
    paste: (data) => {
      const column = grid.activeColumn();
      if (!column || !namesFiles(column) || !grid.activeEditable() || !mayEdit || data.files.length === 0) return false;
      bring({ files: [...data.files], folders: new Set() });
      return true;
    },
    drag: {
      onDragOver: (event) => {
        if (!dragsFiles(event.dataTransfer)) return;
        // Elsewhere the browser would leave the page and show the file.
        event.preventDefault();
        const cell = targetOf(event);
        event.dataTransfer.dropEffect = cell ? 'copy' : 'none';
        light(cell);
      },
      onDragLeave: (event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) light(null);
      },
      onDrop: (event) => {
        if (!dragsFiles(event.dataTransfer)) return;
        event.preventDefault();
        const cell = targetOf(event);
        light(null);
        if (!cell) return;
        grid.moveTo(Number(cell.dataset.row), Number(cell.dataset.col));
        bring(dropped(event.dataTransfer));
      },
    },
    dialogs: (
      <Suspense fallback={null}>
        {editing && <FilesDialog key={`${editing.record.id} ${editing.column.id}`} grid={grid} writer={writer} editing={editing} dropped={came} close={close} />}
        {shown && (
          <PreviewDialog
            files={filesOf(shown.record.data[shown.column.slug], describedIn(shown.record, shown.column))}
            at={shown.at}
            setAt={(at) => setShown({ ...shown, at })}
            close={() => setShown(null)}
          />
        )}
      </Suspense>
    ),
  };
}
