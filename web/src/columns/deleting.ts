// A column is deleted and comes back with its values, from the grid or from the list of columns.
import { columns as api } from '../api/endpoints';
import type { Column } from '../api/wire';
import { text } from '../text/en';
import type { Question } from '../ui/confirm';
import { messageOf } from '../ui/states';
import { show, showError } from '../ui/toast';

/** What it was and is no more, because records do not fit that now. */
function lost(was: Column, is: Column): string | null {
  const required = was.validation?.required && !is.validation?.required;
  const unique = was.validation?.unique && !is.validation?.unique;
  if (required && unique) return text.columns.both;
  return required ? text.columns.asRequired : unique ? text.columns.asUnique : null;
}

/** Answers whether it came back; what is in the way is said. */
export async function bringBack(table: string, column: Column, refresh: () => Promise<unknown>): Promise<boolean> {
  let back = false;
  try {
    const what = lost(column, await api.restore(table, column.id));
    back = true;
    show(what === null ? text.columns.restored(column.name) : text.columns.restoredWithout(column.name, what));
  } catch (error) {
    showError(messageOf(error));
  }
  await refresh();
  return back;
}

/** Asks whether a column is to be deleted; the message that it was brings it back. */
export function deletion(table: string, column: Column, refresh: () => Promise<unknown>): Question {
  return {
    title: text.columns.deleteTitle(column.name),
    body: text.columns.deleteBody,
    confirm: text.columns.delete,
    danger: true,
    run: async () => {
      await api.remove(table, column.id);
      await refresh();
      show(text.columns.deleted(column.name), { label: text.common.undo, run: () => void bringBack(table, column, refresh) });
    },
  };
}
