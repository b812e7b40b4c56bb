// Records of a table that mean one thing: searched for, looked at group by group, merged or kept apart. The search and the group that is
// looked at stand in the address. Compares and merges nothing itself.
import { Button, Group as Row, Progress, Text, Title } from '@mantine/core';
import { CircleX, Columns3, Copy, SearchX, SlidersHorizontal, Unlink } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import { mayShape, seesPart } from '../access/rights';
import { duplicates as api, type Asked, type Find } from '../api/duplicates';
import { addressOf, tablePath } from '../api/places';
import { useFieldTypes, useTable } from '../api/queries';
import type { Column, FieldType, Table } from '../api/wire';
import { askedInWords, proposed, readAsked, whyNot } from '../duplicates/asked';
import { FindForm } from '../duplicates/FindForm';
import { beginFind, isForgotten, useFound, useIgnored } from '../duplicates/found';
import { Groups } from '../duplicates/Groups';
import { IgnoredDialog } from '../duplicates/IgnoredDialog';
import { Crumbs } from '../shell/Shell';
import '../styles/duplicates.css';
import { text } from '../text/en';
import { words } from '../text/duplicates';
import { OfflineNotice } from '../ui/AdminOnly';
import { NotForYou } from '../ui/NotForYou';
import { Empty, Failure, Loading, ToTables, messageOf } from '../ui/states';
import { count } from '../ui/time';
import { showError } from '../ui/toast';
import { useWork } from '../ui/work';

export function DuplicatesPage({ table }: { table: string }) {
  const query = useTable(table);
  const types = useFieldTypes();
  const failed = query.isError ? query : types.isError ? types : null;
  return (
    <div className="page dup-page">
      <Crumbs
        trail={[
          { label: text.nav.tables, to: '/' },
          { label: query.data?.name ?? table, to: `/t/${table}` },
          { label: words.title },
        ]}
      />
      {failed ? (
        <Failure alone error={failed.error} retry={() => void failed.refetch()} wayOn={<ToTables />} />
      ) : query.data && seesPart(query.data) ? (
        <>
          <Title order={1} size="h3">
            {words.of(query.data.name)}
          </Title>
          <NotForYou part />
        </>
      ) : query.data && types.data ? (
        <Body table={query.data} types={types.data} />
      ) : (
        <Loading />
      )}
    </div>
  );
}

/** The primary column first, as in the grid. */
function columnsOf(table: Table): Column[] {
  const all = [...(table.columns ?? [])].sort((a, b) => a.orderIndex - b.orderIndex);
  return [...all.filter((column) => column.isPrimary), ...all.filter((column) => !column.isPrimary)];
}

function Body({ table, types }: { table: Table; types: FieldType[] }) {
  const search = useSearch();
  const [, navigate] = useLocation();
  const columns = useMemo(() => columnsOf(table), [table]);
  const params = new URLSearchParams(search);
  const find = params.get('find');
  const by = params.get('by');
  const asked = useMemo(() => readAsked(by, columns, types), [by, columns, types]);
  const ignored = useIgnored(addressOf(table));
  const [changing, setChanging] = useState(false);
  const [listing, setListing] = useState(false);
  const starting = useWork();
  const editor = mayShape(table);
  const path = `${tablePath(table)}/duplicates`;
  const start = (what: Asked) =>
    starting.work(async () => {
      const id = await beginFind(addressOf(table), what);
      setChanging(false);
      navigate(`${path}?${new URLSearchParams({ find: id, by: JSON.stringify(what) }).toString()}`);
    });
  const possible = columns.some((column) => whyNot(column, types) === null);
  const form = find === null || changing;
  const wanted = useMemo(() => asked ?? proposed(columns, types), [asked, columns, types]);
  return (
    <>
      <div className="page-head">
        <div>
          <Title order={1} size="h3">
            {words.of(table.name)}
          </Title>
          <Text size="sm" c="dimmed">
            {form ? words.about : askedInWords(wanted, columns)}
          </Text>
        </div>
        <Row gap="xs">
          {!form && (
            <>
              <Button variant="default" leftSection={<SlidersHorizontal size={14} />} onClick={() => setChanging(true)}>
                {words.form.change}
              </Button>
              <Button variant="default" leftSection={<Copy size={14} />} loading={starting.busy} onClick={() => void start(wanted)}>
                {words.form.again}
              </Button>
            </>
          )}
          <Button variant="default" leftSection={<Unlink size={14} />} onClick={() => setListing(true)}>
            {words.apart.button(ignored.data?.length ?? 0)}
          </Button>
        </Row>
      </div>
      <OfflineNotice />
      {!possible ? (
        <Empty icon={<Columns3 size={28} />} title={words.form.nothingToCompare} body={words.form.nothingToCompareBody} />
      ) : form ? (
        <FindForm
          key={find ?? ''}
          columns={columns}
          types={types}
          asked={wanted}
          busy={starting.busy}
          error={starting.error}
          run={(what) => void start(what)}
          close={find === null ? undefined : () => setChanging(false)}
        />
      ) : (
        <Search key={find} table={table} columns={columns} find={find} asked={wanted} editor={editor} again={() => void start(wanted)} error={starting.error} ignored={ignored} />
      )}
      {listing && <IgnoredDialog table={table} columns={columns} ignored={ignored.data ?? []} mayEdit={editor} close={() => setListing(false)} />}
    </>
  );
}

interface SearchProps {
  table: Table;
  columns: Column[];
  find: string;
  asked: Asked;
  editor: boolean;
  again: () => void;
  error: unknown;
  ignored: ReturnType<typeof useIgnored>;
}

/** One search: how far it is, why it ended, or what it found. */
function Search(props: SearchProps) {
  const { table, find, again, error, ignored } = props;
  const found = useFound(addressOf(table), find);
  const [calledOff, setCalledOff] = useState(false);
  const button = (
    <Button leftSection={<Copy size={14} />} onClick={again}>
      {words.form.again}
    </Button>
  );
  if (error) return <Failure error={error} retry={again} />;
  const state = found.data?.pages[0]?.find;
  // One that was over by then is forgotten instead: to the person it is the same.
  if (calledOff || state?.state === 'cancelled') {
    return (
      <Empty icon={<CircleX size={28} />} title={words.progress.calledOff} body={words.progress.calledOffBody}>
        {button}
      </Empty>
    );
  }
  if (isForgotten(found.error)) {
    return (
      <Empty icon={<SearchX size={28} />} title={words.progress.forgotten} body={words.progress.forgottenBody}>
        {button}
      </Empty>
    );
  }
  if (found.isError && !found.data) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (ignored.isError) return <Failure error={ignored.error} retry={() => void ignored.refetch()} />;
  if (!state || !ignored.data) return <Loading />;
  switch (state.state) {
    case 'running':
      return <Running table={addressOf(table)} state={state} calledOff={() => setCalledOff(true)} />;
    case 'failed':
      return (
        <Empty icon={<CircleX size={28} />} title={words.progress.failed} body={state.error ?? undefined}>
          {button}
        </Empty>
      );
    case 'done':
      return <Groups {...props} state={state} found={found} ignored={ignored.data} />;
  }
}

function Running({ table, state, calledOff }: { table: string; state: Find; calledOff: () => void }) {
  const { busy, error, work } = useWork();
  const known = state.total > 0;
  const phase = words.progress.phases[state.phase] ?? state.phase;
  useEffect(() => {
    if (error) showError(messageOf(error));
  }, [error]);
  const cancel = async () => {
    await api.cancel(table, state.id);
    calledOff();
  };
  return (
    <div className="busy dup-running">
      <div role="status">
        {phase}
        {known && <span className="dimmed"> {words.progress.of(count(state.done), count(state.total))}</span>}
      </div>
      <Progress value={known ? (state.done / state.total) * 100 : 100} animated={!known} aria-label={words.progress.label} />
      <Row justify="space-between">
        <Text size="xs" c="dimmed">
          {words.progress.leave}
        </Text>
        <Button variant="default" loading={busy} onClick={() => void work(cancel)}>
          {words.progress.cancel}
        </Button>
      </Row>
    </div>
  );
}
