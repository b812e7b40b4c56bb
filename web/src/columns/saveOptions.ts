// Brings the stored options of a column to what was edited: new ones made, changed ones changed, missing ones removed.
import { options as api } from '../api/endpoints';
import type { Column } from '../api/wire';
import type { DraftOption } from './OptionsEditor';

export async function saveOptions(table: string, column: Column, drafts: DraftOption[]): Promise<void> {
  const before = column.options ?? [];
  const wanted = drafts.filter((one) => one.name.trim() !== '');
  const ids: string[] = [];
  for (const draft of wanted) {
    const old = before.find((one) => one.id === draft.id);
    if (!old) {
      ids.push((await api.create(table, column.id, { name: draft.name, color: draft.color })).id);
      continue;
    }
    ids.push(old.id);
    if (old.name !== draft.name || (old.color ?? null) !== (draft.color ?? null)) {
      await api.update(table, column.id, old.id, { name: draft.name, color: draft.color });
    }
  }
  for (const old of before) {
    if (!ids.includes(old.id)) await api.remove(table, column.id, old.id);
  }
  const kept = before.map((one) => one.id).filter((id) => ids.includes(id));
  const appended = [...kept, ...ids.filter((id) => !kept.includes(id))];
  if (ids.some((id, i) => id !== appended[i])) await api.reorder(table, column.id, ids);
}
