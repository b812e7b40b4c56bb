// What was done, newest first, each as a unit that can be taken back after looking at what that would do.
import { Button, Group, Select, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { History } from 'lucide-react';
import { Fragment, useState } from 'react';
import { Link } from 'wouter';
import { history as api } from '../api/endpoints';
import { keys, mayEdit, useNames, useTableNames, useTables } from '../api/queries';
import type { Operation } from '../api/wire';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { Empty, Failure, Loading } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, when } from '../ui/time';
import { UndoButton } from '../ui/UndoButton';

/** How often the page looks what others did meanwhile. */
const ASK_AGAIN_MS = 5_000;

const KINDS = ['inserted', 'updated', 'deleted', 'restored', 'purged', 'evicted', 'cleared'] as const;

export function ActivityPage() {
  const tables = useTables();
  const [table, setTable] = useState<string | null>(null);
  const found = useInfiniteQuery({
    queryKey: [...keys.operations, table],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => api.operations(table ?? undefined, pageParam),
    getNextPageParam: (page) => (page.pagination.hasMore ? (page.pagination.nextCursor ?? undefined) : undefined),
    refetchOnMount: 'always',
    refetchInterval: ASK_AGAIN_MS,
  });
  const operations = found.data?.pages.flatMap((page) => page.operations) ?? [];
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.activity }]} />
      <div className="page-head">
        <Title order={1} size="h3">
          {text.nav.activity}
        </Title>
        <Select
          size="xs"
          w={240}
          clearable
          searchable
          aria-label={text.activity.table}
          placeholder={text.activity.allTables}
          clearButtonProps={{ 'aria-label': text.common.clear }}
          data={(tables.data ?? []).map((one) => ({ value: one.slug, label: one.name }))}
          value={table}
          onChange={setTable}
        />
      </div>
      {found.isPending && <Loading />}
      {found.isError && <Failure error={found.error} retry={() => void found.refetch()} />}
      {found.data && operations.length === 0 && !found.hasNextPage && (
        <Empty icon={<History size={28} />} title={text.activity.empty} body={text.activity.emptyBody} />
      )}
      {operations.length > 0 && <Operations operations={operations} />}
      {found.hasNextPage && (
        <Group justify="center" mt="md">
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {text.common.more}
          </Button>
        </Group>
      )}
    </div>
  );
}

function Operations({ operations }: { operations: Operation[] }) {
  const me = useMe();
  const nameOf = useNames();
  return (
    <div className="sheet">
      <table className="plain activity">
        <Heads names={[text.activity.when, text.activity.who, text.activity.what]} actions />
        <tbody>
          {operations.map((operation) => (
            <tr key={operation.operation} data-operation={operation.operation}>
              <td className="time" title={when(operation.at)}>{ago(operation.at)}</td>
              <td>{nameOf(operation.actor)}</td>
              <td>
                <What operation={operation} />
              </td>
              <td className="end">
                {operation.revertedBy ? (
                  <span className="dimmed">{text.activity.undone}</span>
                ) : (
                  mayEdit(me) && (
                    <UndoButton operation={operation.operation} again={Boolean(operation.reverts)} size="compact-xs" />
                  )
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function What({ operation }: { operation: Operation }) {
  const nameOf = useTableNames();
  const reason = operation.reason === 'user' ? null : (text.history.reasons[operation.reason] ?? operation.reason);
  return (
    <>
      {reason && <span className="pill step-reason">{reason}</span>}{' '}
      {operation.tables.length === 0
        ? text.activity.changes(operation.changes)
        : operation.tables.map((table, i) => (
            <Fragment key={table.table}>
              {i > 0 && ' · '}
              <Link to={`/t/${table.table}`}>{nameOf(table.table)}</Link>: {countsOf(table)}
            </Fragment>
          ))}
    </>
  );
}

function countsOf(table: Operation['tables'][number]): string {
  return KINDS.filter((kind) => table[kind] > 0)
    .map((kind) => text.activity.kinds[kind](table[kind]))
    .join(', ');
}
