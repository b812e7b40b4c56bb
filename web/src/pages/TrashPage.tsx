// Deleted records of a table: look, restore, or delete for good.
import { Button, Checkbox, Group, Select, Text, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { RotateCcw, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { mayWrite } from '../access/rights';
import { records as api } from '../api/endpoints';
import { addressOf, useWorkspace } from '../api/places';
import { keys, mayAdminister, queryClient, useTable, useTables, useTableStats } from '../api/queries';
import type { Rec, Table } from '../api/wire';
import { displayText } from '../fields/registry';
import { InWorkspace } from '../shell/here';
import { Crumbs, useMe } from '../shell/Shell';
import { DeletedTables, useDeletedTables } from '../tables/DeletedTables';
import { text } from '../text/en';
import { Confirm, type Question } from '../ui/confirm';
import { Empty, Failure, Loading, messageOf } from '../ui/states';
import { ago, when } from '../ui/time';
import { show, showError } from '../ui/toast';

const COLUMNS_SHOWN = 4;

export function TrashPage({ table }: { table?: string }) {
  const workspace = useWorkspace();
  // Without a table in the address, another workspace begins anew.
  return <Trash key={table ?? workspace} table={table} />;
}

function Trash({ table }: { table?: string }) {
  const tables = useTables();
  const gone = useDeletedTables();
  const [, navigate] = useLocation();
  const all = tables.data ?? [];
  const counts = useTableStats(all.map(addressOf));
  const deleted = (i: number) => counts[i]?.data?.deleted ?? 0;
  // Without a table in the address, the first one of which something is in the trash.
  const known = table !== undefined || counts.every((one) => !one.isPending);
  const found = known ? all.find((_, i) => deleted(i) > 0) : undefined;
  // It stays that one when its last record was restored.
  const [begun, setBegun] = useState<string>();
  const full = found && addressOf(found);
  useEffect(() => setBegun((old) => old ?? full), [full]);
  const first = table ?? begun ?? full ?? (known && all[0] ? addressOf(all[0]) : undefined);
  const nothing = table === undefined && counts.every((one) => one.data?.deleted === 0);
  // What failed is said once.
  const broken = tables.isError && !first;
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.tables, to: '/' }, { label: text.nav.trash }]} />
      <div className="page-head">
        <Title order={1} size="h3">
          {text.nav.trash} <InWorkspace />
        </Title>
        {first && tables.data && (
          <Select
            size="xs"
            w={240}
            aria-label={text.trash.table}
            allowDeselect={false}
            searchable
            data={all.map((one, i) => ({ value: addressOf(one), label: text.trash.tableWith(one.name, deleted(i)) }))}
            value={first}
            onChange={(to) => to && navigate(`/t/${to}/trash`)}
          />
        )}
      </div>
      {(tables.isPending || !known) && <Loading />}
      {broken && <Failure error={tables.error} retry={() => void tables.refetch()} />}
      {tables.data && known && nothing && gone.data?.length === 0 && <Empty icon={<Trash2 size={28} />} title={text.trash.empty} body={text.trash.emptyBody} />}
      {first && !nothing && <TableTrash key={first} address={first} />}
      {table === undefined && !broken && <DeletedTables />}
    </div>
  );
}

function TableTrash({ address }: { address: string }) {
  const table = useTable(address);
  const trash = useInfiniteQuery({
    queryKey: keys.trash(address),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => api.trash(address, pageParam),
    getNextPageParam: (page) => (page.pagination.hasMore ? (page.pagination.nextCursor ?? undefined) : undefined),
  });
  if (table.isPending || trash.isPending) return <Loading />;
  if (table.isError) return <Failure error={table.error} retry={() => void table.refetch()} />;
  if (trash.isError) return <Failure error={trash.error} retry={() => void trash.refetch()} />;
  const rows = trash.data.pages.flatMap((page) => page.records);
  if (rows.length === 0) {
    return <Empty icon={<Trash2 size={28} />} title={text.trash.emptyOf(table.data.name)} body={text.trash.emptyBody} />;
  }
  return (
    <>
      <Rows table={table.data} rows={rows} />
      {trash.hasNextPage && (
        <Group justify="center" mt="md">
          <Button variant="default" loading={trash.isFetchingNextPage} onClick={() => void trash.fetchNextPage()}>
            {text.common.more}
          </Button>
        </Group>
      )}
    </>
  );
}

function Rows({ table, rows }: { table: Table; rows: Rec[] }) {
  const me = useMe();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [question, setQuestion] = useState<Question | null>(null);
  const [busy, setBusy] = useState(false);
  const columns = [...(table.columns ?? [])]
    .sort((a, b) => Number(b.isPrimary ?? false) - Number(a.isPrimary ?? false) || (a.orderIndex ?? 0) - (b.orderIndex ?? 0))
    .slice(0, COLUMNS_SHOWN);
  const ids = rows.map((row) => row.id).filter((id) => chosen.has(id));
  const refresh = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: keys.trash(addressOf(table)) }),
      queryClient.invalidateQueries({ queryKey: keys.stats(addressOf(table)) }),
    ]);
  const restore = async (which: string[]) => {
    setBusy(true);
    try {
      for (const id of which) await api.restore(addressOf(table), id);
      show(text.trash.restored(which.length));
      setChosen(new Set());
    } catch (error) {
      showError(messageOf(error));
    }
    await refresh();
    setBusy(false);
  };
  const purge = (which: string[]) =>
    setQuestion({
      title: text.trash.purgeTitle(which.length),
      body: text.trash.purgeBody,
      confirm: text.trash.purge,
      danger: true,
      run: async () => {
        for (const id of which) await api.purge(addressOf(table), id);
        setChosen(new Set());
        await refresh();
      },
    });
  const toggle = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  return (
    <>
      <Group gap="xs" mb="xs" className="trash-tools">
        <Text size="sm">{ids.length > 0 ? text.grid.selected(String(ids.length)) : text.trash.hint}</Text>
        {mayWrite(table) && ids.length > 0 && (
          <>
            <Button variant="default" loading={busy} leftSection={<RotateCcw size={14} />} onClick={() => void restore(ids)}>
              {text.trash.restore}
            </Button>
            {mayAdminister(me) && (
              <Button variant="light" color="red" leftSection={<Trash2 size={14} />} onClick={() => purge(ids)}>
                {text.trash.purge}
              </Button>
            )}
          </>
        )}
      </Group>
      <div className="sheet">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col" className="check">
                <Checkbox
                  size="xs"
                  aria-label={text.trash.selectAll}
                  checked={ids.length === rows.length}
                  indeterminate={ids.length > 0 && ids.length < rows.length}
                  onChange={(event) => setChosen(event.currentTarget.checked ? new Set(rows.map((row) => row.id)) : new Set())}
                />
              </th>
              {columns.map((column) => (
                <th key={column.id} scope="col">
                  {column.name}
                </th>
              ))}
              <th scope="col">{text.trash.deletedAt}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={row.id}>
                <td className="check">
                  <Checkbox
                    size="xs"
                    aria-label={text.grid.selectRow(i + 1)}
                    checked={chosen.has(row.id)}
                    onChange={(event) => toggle(row.id, event.currentTarget.checked)}
                  />
                </td>
                {columns.map((column) => (
                  <td key={column.id} className="cut">
                    {displayText(row.data[column.slug], column, row.data._display?.[column.slug])}
                  </td>
                ))}
                <td className="time" title={when(row.deletedAt)}>{ago(row.deletedAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Confirm question={question} close={() => setQuestion(null)} />
    </>
  );
}
