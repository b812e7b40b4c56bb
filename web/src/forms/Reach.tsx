// Whether strangers reach the forms of a table at all: the one switch for all of them.
import { Switch } from '@mantine/core';
import { tables } from '../api/endpoints';
import { addressOf } from '../api/places';
import { useRefreshTable } from '../api/queries';
import type { Table } from '../api/wire';
import { words } from '../text/forms';
import { messageOf } from '../ui/states';
import { show, showError } from '../ui/toast';

export const isOn = (table: Table): boolean => table.settings.enableForm === true;

/** Switches it, and says so. */
export function useReachSwitch(table: Table) {
  const refresh = useRefreshTable(addressOf(table));
  return async (enableForm: boolean) => {
    try {
      await tables.update(addressOf(table), { settings: { enableForm } });
      show(enableForm ? words.isOn : words.isOff);
    } catch (error) {
      showError(messageOf(error));
    }
    await refresh();
  };
}

export function ReachSwitch({ table, mayEdit }: { table: Table; mayEdit: boolean }) {
  const turn = useReachSwitch(table);
  const on = isOn(table);
  return (
    <div className="form-reach" data-on={on || undefined}>
      <Switch
        size="md"
        disabled={!mayEdit}
        label={words.switch}
        description={on ? words.switchOn(table.name) : words.switchOff(table.name)}
        checked={on}
        onChange={(event) => void turn(event.currentTarget.checked)}
      />
    </div>
  );
}
