// The tables of a workspace that are in the trash: brought back, or deleted for good by administrators.
import { Button, Group, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { RotateCcw, Trash2 } from 'lucide-react';
import { useRef, useState } from 'react';
import { tables as api } from '../api/endpoints';
import { useWorkspace } from '../api/places';
import { keys, mayAdminister } from '../api/queries';
import type { Table } from '../api/wire';
import { useMe } from '../shell/Shell';
import { text } from '../text/en';
import { Confirm, type Question } from '../ui/confirm';
import { focusHome } from '../ui/focus';
import { Sheet } from '../ui/Sheet';
import { Failure } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, when } from '../ui/time';
import { show } from '../ui/toast';
import { bringBack, refreshTables } from './deleting';

export function useDeletedTables() {
  const workspace = useWorkspace();
  return useQuery({ queryKey: keys.deletedTables(workspace), queryFn: () => api.deleted(workspace), refetchOnMount: 'always' });
}

export function DeletedTables() {
  const me = useMe();
  const found = useDeletedTables();
  const [question, setQuestion] = useState<Question | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const head = useRef<HTMLHeadingElement>(null);
  if (found.isError && !found.data) return <Failure error={found.error} retry={() => void found.refetch()} />;
  const all = found.data ?? [];
  // What had the focus goes with its row.
  const moveOn = () => (all.length > 1 ? head.current?.focus() : focusHome());
  const restore = async (table: Table) => {
    setBusy(table.id);
    const back = await bringBack(table);
    setBusy(null);
    if (back) moveOn();
  };
  const purge = (table: Table) =>
    setQuestion({
      title: text.trash.purgeTableTitle(table.name),
      body: text.trash.purgeTableBody,
      confirm: text.trash.purge,
      typed: table.name,
      danger: true,
      run: async () => {
        await api.purge(table.id);
        await refreshTables();
        show(text.trash.tableGone(table.name));
        moveOn();
      },
    });
  if (all.length === 0) return null;
  return (
    <section className="page-section deleted-tables">
      <Title order={2} size="h4" ref={head} tabIndex={-1}>
        {text.trash.tables}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {text.trash.tablesBody}
      </Text>
      <Sheet label={text.trash.tables}>
        <table className="plain">
          <Heads names={[text.tables.name, text.trash.deletedAt]} actions />
          <tbody>
            {all.map((table) => (
              <tr key={table.id}>
                <td className="cut">{table.name}</td>
                <td className="time" title={when(table.deletedAt)}>{ago(table.deletedAt)}</td>
                <td className="end">
                  <Group gap="xs" justify="flex-end" wrap="nowrap">
                    <Button size="compact-sm" variant="default" loading={busy === table.id} leftSection={<RotateCcw size={14} />} aria-label={text.trash.restoreTable(table.name)} onClick={() => void restore(table)}>
                      {text.trash.restore}
                    </Button>
                    {mayAdminister(me) && (
                      <Button size="compact-sm" variant="subtle" color="red" leftSection={<Trash2 size={14} />} aria-label={text.trash.purgeTable(table.name)} onClick={() => purge(table)}>
                        {text.trash.purge}
                      </Button>
                    )}
                  </Group>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Sheet>
      <Confirm question={question} close={() => setQuestion(null)} />
    </section>
  );
}
