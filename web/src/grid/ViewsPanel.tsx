// The saved views of a table: taken, kept under a name, kept anew, forgotten. What a view is, `viewUrl` knows.
import { ActionIcon, Button, Checkbox, Group, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Check, Save, Trash2, UserRound } from 'lucide-react';
import { useState } from 'react';
import { views as api } from '../api/endpoints';
import { addressOf } from '../api/places';
import { keys } from '../api/queries';
import type { SavedView, Table } from '../api/wire';
import { effective } from '../filter/model';
import { text } from '../text/en';
import { Failure, Loading, Problem } from '../ui/states';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import type { View } from './model';
import { viewJson, viewOf } from './viewUrl';

/** The view as the server keeps it: what it filters, sorts and groups by in the API's words, and all of it for this page. */
function settingsOf(view: View): SavedView['settings'] {
  const filter = effective(view.filter);
  return {
    ...(filter ? { filter } : {}),
    ...(view.sort.length > 0 ? { sort: view.sort } : {}),
    ...(view.group ? { groupBy: [view.group.column] } : {}),
    layout: viewJson(view),
  };
}

const same = (saved: SavedView, view: View) =>
  JSON.stringify(viewJson(viewOf(saved.settings.layout))) === JSON.stringify(viewJson(view));

export function useViews(table: string) {
  return useQuery({ queryKey: keys.views(table), queryFn: () => api.list(table) });
}

export function ViewsPanel({ table, view, setView, mayEdit }: { table: Table; view: View; setView: (view: View) => void; mayEdit: boolean }) {
  const client = useQueryClient();
  const views = useViews(addressOf(table));
  const [name, setName] = useState('');
  const [personal, setPersonal] = useState(false);
  const { busy, error, work } = useWork();
  const again = () => client.invalidateQueries({ queryKey: keys.views(addressOf(table)) });
  const keep = async () => {
    await api.create(addressOf(table), { name, personal, settings: settingsOf(view) });
    setName('');
    await again();
    show(text.views.kept);
  };
  const keepAnew = async (saved: SavedView) => {
    await api.update(addressOf(table), saved.id, { settings: settingsOf(view) });
    await again();
    show(text.views.kept);
  };
  const forget = async (saved: SavedView) => {
    await api.remove(addressOf(table), saved.id);
    await again();
    show(text.views.forgotten(saved.name));
  };
  return (
    <div className="views-panel">
      {views.isPending && <Loading rows={3} />}
      {views.isError && <Failure error={views.error} retry={() => void views.refetch()} />}
      {views.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          {text.views.none}
        </Text>
      )}
      {views.data && views.data.length > 0 && (
        <ul>
          {views.data.map((saved) => (
            <li key={saved.id}>
              <UnstyledButton className="views-name" aria-pressed={same(saved, view)} onClick={() => setView(viewOf(saved.settings.layout))}>
                {same(saved, view) ? <Check size={14} aria-hidden /> : <span className="views-gap" />}
                <span className="cut">{saved.name}</span>
                {saved.personal && <UserRound size={13} role="img" aria-label={text.views.personalMark} />}
              </UnstyledButton>
              {mayEdit && (
                <span>
                  <ActionIcon size={24} variant="subtle" color="gray" disabled={same(saved, view)} aria-label={text.views.keepAnew(saved.name)} title={text.views.keepAnew(saved.name)} onClick={() => void work(() => keepAnew(saved))}>
                    <Save size={13} />
                  </ActionIcon>
                  <ActionIcon size={24} variant="subtle" color="gray" aria-label={text.views.forget(saved.name)} title={text.views.forget(saved.name)} onClick={() => void work(() => forget(saved))}>
                    <Trash2 size={13} />
                  </ActionIcon>
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {mayEdit && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void work(keep);
          }}
        >
          <TextInput size="xs" label={text.views.name} placeholder={text.views.example} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Checkbox size="xs" label={text.views.personal} checked={personal} onChange={(event) => setPersonal(event.currentTarget.checked)} />
          <Problem error={error} />
          <Group justify="flex-end">
            <Button type="submit" size="xs" loading={busy} disabled={name.trim() === ''}>
              {text.views.keep}
            </Button>
          </Group>
        </form>
      )}
    </div>
  );
}
