// The first step: a file is chosen, dropped or pasted, and sent. The import has no address before the server has the file.
import { Button, Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { addressOf, useWorkspace } from '../api/places';
import { keys, queryClient, useImports } from '../api/queries';
import type { Table } from '../api/wire';
import { text } from '../text/en';
import { words } from '../text/imports';
import { DropFile } from '../ui/DropFile';
import { useHanded } from '../ui/handed';
import { Problem } from '../ui/states';
import { StepHead, Steps } from './Steps';
import { MakeWhole } from './MakeWhole';
import { wholeTableOf, type WholeTable } from './wholeTable';
import { AT_FIRST, mayBeTable, pathOf, settling, tableNameOf } from './wizard';

const ACCEPT = '.csv,.tsv,.tab,.txt,.json,.ndjson,.jsonl,.xlsx,.gz,.zst,.zip,text/csv,text/tab-separated-values,application/json';

/** Into a table that exists, or into one that is made. */
export function Source({ table }: { table?: Table }) {
  const [, navigate] = useLocation();
  const workspace = useWorkspace();
  const imports = useImports();
  const [sending, setSending] = useState<{ name: string; share: number } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [whole, setWhole] = useState<WholeTable | null>(null);
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);

  const take = async (file: File) => {
    setError(null);
    if (file.size === 0) return setError(new Error(words.source.empty(file.name)));
    // A folder that is dropped cannot be read.
    if (!(await mayBeTable(file).catch(() => false))) return setError(new Error(words.source.noTable(file.name)));
    try {
      const found = await wholeTableOf(file);
      if (found) return setWhole(found);
    } catch (cause) {
      return setError(cause);
    }
    const stop = new AbortController();
    abort.current = stop;
    setSending({ name: file.name, share: 0 });
    try {
      const into = table ? { table: addressOf(table) } : { name: tableNameOf(file.name) };
      const came = await imports.upload(file, into, AT_FIRST, (share) => setSending({ name: file.name, share }), stop.signal);
      const change = came.draft ? settling(came.draft, table) : null;
      const settled = change ? await imports.change(came.importId, change) : came;
      queryClient.setQueryData(keys.import(came.importId), settled);
      navigate(pathOf(workspace, came.importId, 'preview'), { state: { come: true } });
    } catch (cause) {
      if (!stop.signal.aborted) setError(cause);
      setSending(null);
    }
  };
  const ready = sending === null && whole === null;
  usePaste((file) => void take(file), ready);
  useHanded((file) => void take(file), ready);
  if (whole) return <MakeWhole whole={whole} into={table} other={() => setWhole(null)} />;

  return (
    <Stack gap="md">
      <Steps step="source" open={[]} />
      <StepHead step="source" come={false} />
      {sending ? (
        <Sending {...sending} cancel={() => {
          abort.current?.abort();
          setSending(null);
        }} />
      ) : (
        <DropFile accept={ACCEPT} title={words.source.title} choose={words.source.choose} hint={words.source.hint} take={(file) => void take(file)} />
      )}
      <Problem error={error} />
      {!sending && <Drafts table={table} />}
    </Stack>
  );
}

function Sending({ name, share, cancel }: { name: string; share: number; cancel: () => void }) {
  const sent = share >= 1;
  const label = sent ? words.source.reading(name) : words.source.uploading(name);
  return (
    <div className="busy">
      <Text size="sm" role="status">
        {label}
      </Text>
      <Progress value={sent ? 100 : share * 100} animated={sent} striped={sent} aria-label={label} />
      <div className="busy-foot">
        <Text size="sm" className="job-line">
          {sent ? '' : words.source.sent(Math.round(share * 100))}
        </Text>
        <Button variant="default" onClick={cancel}>
          {text.common.cancel}
        </Button>
      </div>
    </div>
  );
}

/** Rows out of a spreadsheet, pasted anywhere on the page. */
function usePaste(take: (file: File) => void, ready: boolean) {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    if (!ready) return;
    const onPaste = (event: ClipboardEvent) => {
      if ((event.target as HTMLElement).closest('input, textarea, [role=dialog]')) return;
      const file = event.clipboardData?.files[0];
      const rows = event.clipboardData?.getData('text/plain') ?? '';
      if (file) latest.current(file);
      else if (rows.trim() !== '') latest.current(new File([rows], words.source.pasted, { type: 'text/tab-separated-values' }));
    };
    document.addEventListener('paste', onPaste);
    return () => document.removeEventListener('paste', onPaste);
  }, [ready]);
}

const STARTED = ['analysed', 'checked', 'checking', 'refused', 'failed'];
const DRAFTS_SHOWN_MAX = 5;

/** Files that were brought before and not imported yet. */
function Drafts({ table }: { table?: Table }) {
  const workspace = useWorkspace();
  const imports = useImports();
  const found = useQuery({ queryKey: [...keys.imports, 'drafts', workspace], queryFn: () => imports.list(), refetchOnMount: 'always' });
  const drafts = (found.data?.imports ?? []).filter((one) => !one.report && STARTED.includes(one.state) && (one.tableId ?? undefined) === table?.id);
  if (drafts.length === 0) return null;
  return (
    <section aria-label={words.source.drafts} className="drafts">
      <Text size="sm" fw={600}>
        {words.source.drafts}
      </Text>
      <Text size="sm" c="dimmed">
        {words.source.draftsBody}
      </Text>
      <ul>
        {drafts.slice(0, DRAFTS_SHOWN_MAX).map((one) => (
          <li key={one.importId}>
            <Link to={pathOf(workspace, one.importId)}>{words.source.goOn(one.fileName ?? words.unnamed)}</Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
