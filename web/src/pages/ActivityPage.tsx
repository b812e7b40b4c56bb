// What was done, newest first, each as a unit that can be taken back after looking at what that would do.
import { Button, Group, Modal, Select, Text, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { History, Undo2 } from 'lucide-react';
import { Fragment, useState } from 'react';
import { Link } from 'wouter';
import { history as api } from '../api/endpoints';
import { keys, mayEdit, queryClient, useNames, useTables } from '../api/queries';
import type { Operation, RevertReport } from '../api/wire';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { Empty, Failure, Loading, messageOf, Problem } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, when } from '../ui/time';
import { show, showError } from '../ui/toast';
import { useWork } from '../ui/work';

/** How many records that stay are named one by one. */
const SKIPPED_SHOWN = 20;

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

interface Asked {
  operation: Operation;
  report: RevertReport;
}

function Operations({ operations }: { operations: Operation[] }) {
  const me = useMe();
  const nameOf = useNames();
  const [busy, setBusy] = useState<string | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const ask = async (operation: Operation) => {
    setBusy(operation.operation);
    try {
      setAsked({ operation, report: await api.revert(operation.operation, true) });
    } catch (error) {
      showError(messageOf(error));
    }
    setBusy(null);
  };
  return (
    <>
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
                      <Button
                        size="compact-xs"
                        variant="default"
                        loading={busy === operation.operation}
                        leftSection={<Undo2 size={12} />}
                        onClick={() => void ask(operation)}
                      >
                        {operation.reverts ? text.activity.redo : text.common.undo}
                      </Button>
                    )
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {asked && <Ask asked={asked} close={() => setAsked(null)} />}
    </>
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

/** What a table is called; one that is gone keeps its slug. */
function useTableNames(): (slug: string) => string {
  const tables = useTables().data;
  return (slug) => tables?.find((one) => one.slug === slug)?.name ?? slug;
}

/** The end of a long key: ids that were made together begin alike. */
const shortKey = (key: string) => (key.length > 16 ? `…${key.slice(-12)}` : key);

function countsOf(table: Operation['tables'][number]): string {
  return KINDS.filter((kind) => table[kind] > 0)
    .map((kind) => text.activity.kinds[kind](table[kind]))
    .join(', ');
}

/** Shows what an undo would do, and does it if the person still wants it. */
function Ask({ asked, close }: { asked: Asked; close: () => void }) {
  const { operation, report } = asked;
  const nameOf = useNames();
  const tableName = useTableNames();
  const { busy, error, work } = useWork();
  const run = async () => {
    const done = await api.revert(operation.operation, false);
    show(text.activity.done(done.reverted, done.skippedTotal));
    await queryClient.invalidateQueries();
    close();
  };
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={operation.reverts ? text.activity.redoTitle : text.activity.undoTitle}
    >
      <Text size="sm">{text.activity.would(report.reverted, report.skippedTotal)}</Text>
      {report.skipped.length > 0 && (
        <div className="sheet short undo-skipped" role="region" aria-label={text.activity.stays} tabIndex={0}>
          <table className="plain">
            <Heads names={[text.activity.record, text.activity.fields, text.activity.why]} />
            <tbody>
              {report.skipped.slice(0, SKIPPED_SHOWN).map((one, i) => (
                <tr key={i}>
                  <td className="cut" title={one.key}>
                    {tableName(one.table)}{' '}
                    {one.key && <Link to={`/t/${one.table}/r/${encodeURIComponent(one.key)}`}>{shortKey(one.key)}</Link>}
                  </td>
                  <td>{one.fields.length > 0 ? one.fields.join(', ') : text.activity.wholeRecord}</td>
                  <td>
                    {text.activity.whys[one.why] ?? one.message}
                    {one.by && ` (${nameOf(one.by)})`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {report.skippedTotal > SKIPPED_SHOWN && <p className="hint">{text.activity.moreStay(report.skippedTotal - SKIPPED_SHOWN)}</p>}
      <Problem error={error} />
      <Group justify="flex-end" mt="md" gap="xs">
        <Button variant="default" onClick={close}>
          {text.common.cancel}
        </Button>
        <Button loading={busy} disabled={report.reverted === 0} leftSection={<Undo2 size={14} />} onClick={() => void work(run)}>
          {operation.reverts ? text.activity.redo : text.common.undo}
        </Button>
      </Group>
    </Modal>
  );
}
