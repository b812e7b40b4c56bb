// A table goes to the trash and comes back, wherever on the page that is asked for.
import { tables as api } from '../api/endpoints';
import { keys, queryClient } from '../api/queries';
import type { Table } from '../api/wire';
import { text } from '../text/en';
import type { Question } from '../ui/confirm';
import { messageOf } from '../ui/states';
import { show, showError } from '../ui/toast';

/** All that lists tables is read again. */
export const refreshTables = () =>
  Promise.all([queryClient.invalidateQueries({ queryKey: keys.workspaces }), queryClient.invalidateQueries({ queryKey: keys.tables })]);

/** Answers whether it came back; what is in the way is said. */
export async function bringBack(table: Table): Promise<boolean> {
  let back = false;
  try {
    await api.restore(table.id);
    back = true;
    show(text.tables.restored(table.name));
  } catch (error) {
    showError(messageOf(error));
  }
  await refreshTables();
  return back;
}

/** Asks whether a table is to go to the trash; the message that it went brings it back. */
export function deletion(table: Table, records: number, gone?: () => void): Question {
  return {
    title: text.tables.deleteTitle(table.name),
    body: text.tables.deleteBody(records),
    confirm: text.tables.delete,
    danger: true,
    run: async () => {
      await api.remove(table.id);
      gone?.();
      await refreshTables();
      show(text.tables.deleted(table.name), { label: text.common.undo, run: () => void bringBack(table) });
    },
  };
}
