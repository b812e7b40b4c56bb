// What others write, shown in the grid: one changed record is put in place, anything else reads the shown pages again.
// Never while a cell is being edited: then it waits.
import { records as api } from '../api/endpoints';
import { live, type LiveEvent } from '../api/live';
import type { GridModel } from './model';

const GATHER_MS = 15;
const REFRESH_AT_MOST_EVERY_MS = 400;
const RECORDS_AT_ONCE = 20;

/** Keeps a grid like its table until the answer is called. */
export function followOthers(grid: GridModel): () => void {
  const changed = new Map<string, number>();
  let everything = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let refreshedAt = 0;

  const later = (ms: number) => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void show();
    }, ms);
  };
  const show = async () => {
    if (grid.editing) return;
    if (everything || changed.size > RECORDS_AT_ONCE) {
      const wait = refreshedAt + REFRESH_AT_MOST_EVERY_MS - Date.now();
      if (wait > 0) return later(wait);
      everything = false;
      changed.clear();
      refreshedAt = Date.now();
      grid.refresh();
      return;
    }
    const wanted = [...changed].filter(([id, version]) => isOld(grid, id, version));
    changed.clear();
    await Promise.all(
      wanted.map(async ([id]) => {
        try {
          grid.pages.replace(await api.get(grid.table, id));
        } catch {
          everything = true;
          later(GATHER_MS);
        }
      }),
    );
    if (wanted.length > 0) grid.emit();
  };
  const listener = (event: LiveEvent | null) => {
    const key = event?.key === undefined ? undefined : String(event.key);
    const version = (event?.newRecord ?? event?.record)?._version;
    if (event?.type === 'inserted' && key !== undefined && version !== undefined && !isOld(grid, key, version) && grid.pages.rowOf(key) !== undefined) return;
    const inPlace = event?.type === 'updated' && isPlain(grid) && key !== undefined && version !== undefined;
    if (!inPlace) everything = true;
    else if (isOld(grid, key, version)) changed.set(key, version);
    else return;
    later(GATHER_MS);
  };
  const stop = live.watch(grid.place, listener);
  let wasEditing = false;
  const stopEditing = grid.subscribe(() => {
    const editing = grid.editing !== null;
    if (wasEditing && !editing && (everything || changed.size > 0)) later(GATHER_MS);
    wasEditing = editing;
  });
  return () => {
    clearTimeout(timer);
    stop();
    stopEditing();
  };
}

/** Whether a change of a value moves no row. */
function isPlain(grid: GridModel): boolean {
  return !grid.view.filter && grid.view.sort.length === 0 && grid.view.search === '';
}

/** Whether a record is shown as it was before that version. */
function isOld(grid: GridModel, id: string, version: number): boolean {
  const row = grid.pages.rowOf(id);
  const shown = row === undefined ? undefined : grid.pages.record(row);
  return shown !== undefined && shown.version < version;
}
