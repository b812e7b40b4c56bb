// What happened to one record, step by step, each version ready to come back. Shows it; the record's form is elsewhere.
import { Button, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { RotateCcw } from 'lucide-react';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { history as api } from '../api/endpoints';
import { addressOf } from '../api/places';
import { keys, queryClient, useNames } from '../api/queries';
import type { Column, Rec, Step, Table } from '../api/wire';
import { displayText } from '../fields/registry';
import { describedIn, namesFiles } from '../files/facts';
import { text } from '../text/en';
import { Failure, Loading, messageOf } from '../ui/states';
import { ago, when } from '../ui/time';
import { show, showError } from '../ui/toast';

const FileNames = lazy(() => import('../files/FileNames').then((all) => ({ default: all.FileNames })));

interface HistoryProps {
  table: Table;
  columns: Column[];
  record: Rec;
  mayEdit: boolean;
  restored: (record: Rec) => void;
}

export function RecordHistory(props: HistoryProps) {
  const { table, record } = props;
  const steps = useInfiniteQuery({
    queryKey: [...keys.history(addressOf(table), record.id), record.version],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => api.steps(addressOf(table), record.id, pageParam),
    getNextPageParam: (page) => (page.pagination.hasMore ? (page.pagination.nextCursor ?? undefined) : undefined),
  });
  const nameOf = useNames();
  if (steps.isPending) return <Loading rows={4} height={56} />;
  if (steps.isError) return <Failure error={steps.error} retry={() => void steps.refetch()} />;
  const all = steps.data.pages.flatMap((page) => page.steps);
  return (
    <>
      <ol className="steps" aria-label={text.history.label}>
        {all.map((step) => (
          <StepItem key={step.revision} {...props} step={step} who={nameOf(step.actor, step.reason)} newest={step.version === record.version} />
        ))}
      </ol>
      {steps.hasNextPage && (
        <Button variant="default" loading={steps.isFetchingNextPage} onClick={() => void steps.fetchNextPage()}>
          {text.common.more}
        </Button>
      )}
    </>
  );
}

function StepItem({ table, columns, record, mayEdit, restored, step, who, newest }: HistoryProps & { step: Step; who: string; newest: boolean }) {
  const [busy, setBusy] = useState(false);
  const restore = async () => {
    setBusy(true);
    try {
      restored(await api.restoreVersion(addressOf(table), record.id, step.version, record.version));
      show(text.history.restored(step.version));
      void queryClient.invalidateQueries({ queryKey: keys.operations });
    } catch (error) {
      showError(messageOf(error));
    }
    setBusy(false);
  };
  return (
    <li className="step">
      <div className="step-head">
        <span>
          <b>{text.history.kinds[step.kind] ?? step.kind}</b> {text.history.by(who)}
          {step.reason !== 'user' && <span className="pill step-reason">{text.history.reasons[step.reason] ?? step.reason}</span>}
        </span>
        <time dateTime={step.at} title={when(step.at)} className="dimmed">
          {ago(step.at)} · {text.history.version(step.version)}
        </time>
      </div>
      {step.changes.length > 0 && (
        <dl className="step-changes">
          {step.changes.map((change) => (
            <div key={change.column}>
              <dt>{columns.find((column) => column.slug === change.column)?.name ?? change.column}</dt>
              <dd>
                {step.kind !== 'inserted' && (
                  <>
                    <del>{shown(change.from, change.column, columns, record)}</del> <span aria-hidden>→</span>{' '}
                  </>
                )}
                <ins>{shown(change.to, change.column, columns, record)}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {mayEdit && !newest && (
        <Button size="compact-xs" variant="default" loading={busy} leftSection={<RotateCcw size={12} />} onClick={() => void restore()}>
          {text.history.restore(step.version)}
        </Button>
      )}
      {newest && (
        <Text size="xs" c="dimmed">
          {text.history.current}
        </Text>
      )}
    </li>
  );
}

function shown(value: unknown, slug: string, columns: Column[], record: Rec): ReactNode {
  if (value === null || value === undefined || value === '') return text.history.nothing;
  const column = columns.find((one) => one.slug === slug);
  if (column && namesFiles(column) && !column.encrypted) {
    return (
      <Suspense fallback={text.common.loading}>
        <FileNames value={value} described={describedIn(record, column)} />
      </Suspense>
    );
  }
  const told = column ? displayText(value, column) : typeof value === 'string' ? value : JSON.stringify(value);
  return told || text.history.nothing;
}
