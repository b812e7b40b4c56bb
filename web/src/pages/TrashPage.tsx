// Deleted records of a table: look, restore, or delete for good.
import { Button, Checkbox, Group, Select, Text, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { RotateCcw, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { records as api } from '../api/endpoints';
import { keys, mayAdminister, mayEdit, queryClient, useTable, useTables } from '../api/queries';
import type { Rec, Table } from '../api/wire';
import { displayText } from '../fields/registry';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { Confirm, type Question } from '../ui/confirm';
import { Empty, Failure, Loading, messageOf } from '../ui/states';
import { ago, when } from '../ui/time';
import { show, showError } from '../ui/toast';

const COLUMNS_SHOWN = 4;

export function TrashPage({ table }: { table?: string }) {
  const tables = useTables();
  const [, navigate] = useLocation();
  const first = table ?? tables.data?.[0]?.slug;
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.tables, to: '/' }, { label: text.nav.trash }]} />
      <div className="page-head">
        <Title order={1} size="h3">
          {text.nav.trash}
        </Title>
        {first && (
          <Select
            size="xs"
            w={240}
            aria-label={text.trash.table}
            allowDeselect={false}
            searchable
            data={(tables.data ?? []).map((one) => ({ value: one.slug, label: one.name }))}
            value={first}
            onChange={(slug) => slug && navigate(`/t/${slug}/trash`)}
          />
        )}
      </div>
      {tables.isPending && <Loading />}
      {tables.isError && <Failure error={tables.error} retry={() => void tables.refetch()} />}
      {tables.data && !first && <Empty icon={<Trash2 size={28} />} title={text.trash.empty} body={text.trash.emptyBody} />}
      {first && <TableTrash key={first} slug={first} />}
    </div>
  );
}

function TableTrash({ slug }: { slug: string }) {
  const table = useTable(slug);
  const trash = useInfiniteQuery({
    queryKey: keys.trash(slug),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => api.trash(slug, pageParam),
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
      queryClient.invalidateQueries({ queryKey: keys.trash(table.slug) }),
      queryClient.invalidateQueries({ queryKey: keys.stats(table.slug) }),
    ]);
  const restore = async (which: string[]) => {
    setBusy(true);
    try {
      for (const id of which) await api.restore(table.slug, id);
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
        for (const id of which) await api.purge(table.slug, id);
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
        {mayEdit(me) && ids.length > 0 && (
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
