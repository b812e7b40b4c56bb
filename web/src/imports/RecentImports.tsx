// All imports, newest first: files that were brought, those at work, what became of the others. Each leads to its own page.
import { Button, Group } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { FileUp } from 'lucide-react';
import { Link } from 'wouter';
import { tablePath, useWorkspace } from '../api/places';
import { keys, mayEdit, queryClient, useImports, useTables } from '../api/queries';
import type { ImportStatus } from '../api/wire';
import { useMe } from '../shell/Shell';
import { text } from '../text/en';
import { words } from '../text/imports';
import { Empty, Failure, Loading, messageOf } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, count, when } from '../ui/time';
import { show, showError } from '../ui/toast';
import { UndoButton } from '../ui/UndoButton';
import { pathOf } from './wizard';

const { list: say } = words;
const ASK_AGAIN_MS = 5_000;
const ASK_RUNNING_MS = 1_000;

export function RecentImports() {
  const workspace = useWorkspace();
  const imports = useImports();
  const found = useInfiniteQuery({
    queryKey: [...keys.imports, 'pages', workspace],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => imports.list(pageParam),
    getNextPageParam: (page) => (page.pagination.hasMore ? (page.pagination.nextCursor ?? undefined) : undefined),
    refetchOnMount: 'always',
    refetchInterval: (of) => (of.state.data?.pages.some((page) => page.imports.some((one) => one.running)) ? ASK_RUNNING_MS : ASK_AGAIN_MS),
  });
  if (found.isPending) return <Loading rows={3} />;
  if (found.isError && !found.data) return <Failure error={found.error} retry={() => void found.refetch()} />;
  const all = found.data?.pages.flatMap((page) => page.imports) ?? [];
  if (all.length === 0) return <Empty icon={<FileUp size={28} />} title={say.empty} body={say.emptyBody} />;
  return (
    <>
      <div className="sheet" role="region" aria-label={say.label} tabIndex={0}>
        <table className="plain imports">
          <Heads names={[say.when, say.file, say.table, say.state, say.rows]} actions />
          <tbody>
            {all.map((one) => (
              <OneImport key={one.importId} one={one} />
            ))}
          </tbody>
        </table>
      </div>
      {found.hasNextPage && (
        <Group mt="sm">
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {say.more}
          </Button>
        </Group>
      )}
    </>
  );
}

const STATE_COLORS: Partial<Record<ImportStatus['state'], string>> = {
  done: 'green', failed: 'red', refused: 'red', interrupted: 'red', writing: 'blue', checking: 'blue', takingBack: 'blue', paused: 'yellow',
};

function OneImport({ one }: { one: ImportStatus }) {
  const tables = useTables();
  const workspace = useWorkspace();
  const { report } = one;
  const tableId = report?.tableId ?? one.tableId;
  const table = tables.data?.find((known) => known.id === tableId);
  const at = report?.startedAt;
  const file = one.fileName ?? say.request;
  return (
    <tr data-import={one.importId}>
      <td className="time" title={at ? when(at) : undefined}>
        {at ? ago(at) : ''}
      </td>
      <td className="cut" title={file}>
        <Link to={pathOf(workspace, one.importId)}>{file}</Link>
      </td>
      <td>{table ? <Link to={tablePath(table)}>{table.name}</Link> : <span className="dimmed">{tableId && tables.data ? say.goneTable : say.newTable}</span>}</td>
      <td>
        <span className="pill" data-color={STATE_COLORS[one.state] ?? 'gray'}>
          {say.states[one.state]}
        </span>
      </td>
      <td>{report ? countsOf(one) : one.progress ? words.run.rows(one.progress.rows, null) : ''}</td>
      <td className="end">
        <Acts one={one} file={file} />
      </td>
    </tr>
  );
}

function countsOf({ report }: ImportStatus): string {
  if (!report) return '';
  return (['created', 'updated', 'unchanged', 'failed'] as const)
    .filter((name) => report[name] > 0)
    .map((name) => `${count(report[name])} ${words.did[name]}`)
    .join(', ');
}

function Acts({ one, file }: { one: ImportStatus; file: string }) {
  const me = useMe();
  const workspace = useWorkspace();
  const imports = useImports();
  if (!mayEdit(me)) return null;
  const refresh = () => queryClient.invalidateQueries({ queryKey: keys.imports });
  const discard = () =>
    imports.cancel(one.importId).then(
      async () => {
        show(words.run.discarded);
        await refresh();
      },
      (error: unknown) => showError(messageOf(error)),
    );
  const go = (label: string) => (
    <Button component={Link} to={pathOf(workspace, one.importId)} size="compact-xs" variant="default" aria-label={say.of(label, file)}>
      {label}
    </Button>
  );
  if (one.running) return go(say.watch);
  if (!one.report) {
    return (
      <Group gap={6} justify="end" wrap="nowrap">
        {go(say.goOn)}
        <Button size="compact-xs" variant="default" aria-label={say.of(say.discard, file)} onClick={() => void discard()}>
          {say.discard}
        </Button>
      </Group>
    );
  }
  if (one.state === 'done' && one.report.written) {
    return (
      <UndoButton
        operation={one.importId}
        size="compact-xs"
        label={text.common.undo}
        revert={(dryRun) => imports.revert(one.importId, dryRun)}
        done={() => void refresh()}
      />
    );
  }
  return go(say.look);
}
