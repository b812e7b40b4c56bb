// Imports of files: the start of one into a table, and each one's own page with its steps, which its address names.
import { Button, Stack, Title } from '@mantine/core';
import { Lock } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { isHeld, mayImport, seesPart } from '../access/rights';
import { keys, queryClient, useImports, useTable } from '../api/queries';
import { ApiError } from '../api/http';
import { tablePath, useWorkspace } from '../api/places';
import type { ImportDraft, ImportStatus, Session, Table } from '../api/wire';
import { CheckStep } from '../imports/CheckStep';
import { MapStep } from '../imports/MapStep';
import { Preview } from '../imports/Preview';
import { ResultStep } from '../imports/ResultStep';
import { RulesStep } from '../imports/RulesStep';
import { Running } from '../imports/Running';
import { Source } from '../imports/Source';
import { StepHead, Steps } from '../imports/Steps';
import { useImport, type Import } from '../imports/useImport';
import { missing, optionsOf, pathOf, settling, stepOf, targetsOf, unsettled, type Step } from '../imports/wizard';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { words } from '../text/imports';
import { OfflineNotice } from '../ui/AdminOnly';
import { NotForYou } from '../ui/NotForYou';
import { Empty, Failure, Loading } from '../ui/states';

/** The first step, into a table that exists. */
export function ImportIntoPage({ table }: { table: string }) {
  const query = useTable(table);
  const me = useMe();
  const name = query.data?.name ?? table;
  return (
    <>
      <OfflineNotice />
      <div className="page">
        <Crumbs trail={[{ label: text.nav.tables, to: '/' }, { label: name, to: `/t/${table}` }, { label: text.imports.title }]} />
        <Title order={1} size="h3" mb="md">
          {words.into(name)}
        </Title>
        {query.isPending && <Loading />}
        {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
        {query.data &&
          (mayImport(me, query.data) ? (
            <Source table={query.data} />
          ) : (
            <Refused me={me} table={query.data} />
          ))}
      </div>
    </>
  );
}

function Refused({ me, table }: { me: Session; table: Table }) {
  return isHeld(me) ? <NotForYou part={seesPart(table)} /> : <Forbidden />;
}

function Forbidden() {
  return <Empty icon={<Lock size={28} />} title={text.errors.forbidden} body={text.errors.forbiddenBody} />;
}

/** Everything after the first step: the import has an id, and its address is its page. What became of one may be read by all who are not held. */
export function ImportPage({ id }: { id: string }) {
  return isHeld(useMe()) ? <NotYours /> : <OneImport id={id} />;
}

/** Asks the server for nothing. */
function NotYours() {
  return (
    <div className="page">
      <Crumbs trail={[{ label: words.imported }]} />
      <Title order={1} size="h3" mb="md">
        {words.imported}
      </Title>
      <NotForYou />
    </div>
  );
}

function OneImport({ id }: { id: string }) {
  const job = useImport(id);
  const one = job.query.data;
  const tableId = one?.tableId ?? one?.report?.tableId ?? '';
  const table = useTable(tableId, tableId !== '');
  const file = one?.fileName ?? words.unnamed;
  const title = one?.draft?.newTable ? words.newTable(one.draft.newTable.name) : table.data ? words.into(table.data.name) : words.of(file);
  const gone = job.query.error instanceof ApiError && job.query.error.status === 404;
  // Once it is over, its report is worth showing before the table is known.
  const waits = Boolean(one?.draft) && tableId !== '' && table.isPending;
  return (
    <>
      <OfflineNotice />
      <div className="page">
        <Crumbs trail={[{ label: text.nav.jobs, to: '/jobs' }, { label: one ? words.of(file) : words.imported }]} />
        <Title order={1} size="h3" mb="md" className="wrap-anywhere">
          {title}
        </Title>
        {(job.query.isPending || waits) && <Loading />}
        {(!one || gone) && job.query.isError && <Failure error={withHint(job.query.error)} {...(gone ? { wayOn: <WaysOn /> } : { retry: () => void job.query.refetch() })} />}
        {one && !gone && !waits && <Wizard one={one} job={job} table={table.data} fileName={file} />}
      </div>
    </>
  );
}

/** From an import that is not there, and never will be again. */
function WaysOn() {
  return (
    <>
      <Button component={Link} to="/new?from=file" variant="default">
        {words.newOne}
      </Button>
      <Button component={Link} to="/" variant="default">
        {words.toTables}
      </Button>
    </>
  );
}

/** An import that is not there was most likely one that was not begun, and is not kept for ever. */
function withHint(error: unknown): unknown {
  if (!(error instanceof ApiError) || error.status !== 404) return error;
  return new ApiError(error.message, error.status, error.code, error.requestId, error.issues, words.gone);
}

interface WizardProps {
  one: ImportStatus;
  job: Import;
  table: Table | undefined;
  fileName: string;
}

function Wizard({ one, job, table, fileName }: WizardProps) {
  const asked = new URLSearchParams(useSearch()).get('step');
  const me = useMe();
  const [, navigate] = useLocation();
  const step = stepOf(one, asked);
  const begun = useRef(step);
  const [moved, setMoved] = useState(() => (window.history.state as { come?: boolean } | null)?.come === true);
  const id = one.importId;
  useEffect(() => {
    if (begun.current !== step) setMoved(true);
  }, [step]);
  const workspace = useWorkspace();
  // The address says the step that is shown: an import that ended meanwhile has come to another one.
  useEffect(() => {
    if (asked !== null && asked !== step) navigate(pathOf(workspace, id, step), { replace: true });
  }, [asked, step, workspace, id, navigate]);
  const open: Step[] = one.draft && !one.running ? ['preview', 'map', 'rules', 'check'] : [];
  if (one.draft && !one.running && !mayImport(me)) return <Forbidden />;
  return (
    <Stack gap="md">
      <Steps step={step} id={id} open={open} />
      <StepHead step={step} come={moved || begun.current !== step} />
      <OneStep step={step} one={one} job={job} table={table} fileName={fileName} />
    </Stack>
  );
}

function OneStep({ step, one, job, table, fileName }: WizardProps & { step: Step }) {
  const acts = useActs(one, job, table);
  if (step === 'run') return <Running one={one} job={job} trial={false} />;
  if (step === 'check') return <CheckStep one={one} job={job} table={table} check={acts.check} commit={acts.commit} />;
  if (step === 'result' || !one.draft) return <ResultStep one={one} job={job} table={table} />;
  const shared = { id: one.importId, draft: one.draft, table, going: acts.going };
  if (step === 'preview') {
    return <Preview {...shared} job={job} fileName={fileName} other={acts.other} next={() => acts.to('map')} straight={acts.straight} />;
  }
  if (step === 'rules') return <RulesStep {...shared} error={job.error} change={(body) => void job.change(body)} next={acts.check} />;
  return (
    <MapStep
      key={one.tableId ?? ''}
      {...shared}
      error={job.error}
      change={(body) => void job.change(body)}
      next={() => acts.to('rules')}
      straight={acts.check}
    />
  );
}

/** Whether a table is called as the one that the import would make. */
function nameTaken(workspace: string, draft: ImportDraft): boolean {
  const name = draft.newTable?.name.toLowerCase();
  return queryClient.getQueryData<Table[]>(keys.tablesOf(workspace))?.some((one) => one.name.toLowerCase() === name) ?? false;
}

/** What the buttons of the steps do. */
function useActs(one: ImportStatus, job: Import, table: Table | undefined) {
  const [, navigate] = useLocation();
  const workspace = useWorkspace();
  const imports = useImports();
  const { importId: id } = one;
  const here = (): ImportDraft | null => queryClient.getQueryData<ImportStatus>(keys.import(id))?.draft ?? null;
  const to = (step: Step) => {
    job.forget();
    job.after(() => navigate(pathOf(workspace, id, step)));
  };
  // Once at a time. Not while the job is busy, or what was typed last would swallow the click.
  const under = useRef(false);
  const [going, setGoing] = useState(false);
  const once = (run: () => Promise<void>) => {
    if (under.current) return;
    under.current = true;
    setGoing(true);
    job.after(() => {
      void run().finally(() => {
        under.current = false;
        setGoing(false);
      });
    });
  };
  const check = async () => {
    const begun = await job.act(async () => {
      const now = here();
      const change = now && unsettled(now) ? settling(now, table) : null;
      if (change) await imports.change(id, change);
      return imports.check(id);
    });
    if (begun) navigate(pathOf(workspace, id, 'check'));
  };
  const commit = async (continueOnError: boolean) => {
    const begun = await job.act(async () => {
      const now = here();
      if (now && (now.options.continueOnError ?? false) !== continueOnError) {
        await imports.change(id, { options: { ...optionsOf(now), continueOnError } });
      }
      return imports.commit(id);
    });
    if (begun) navigate(pathOf(workspace, id, 'run'));
  };
  const straight = async () => {
    const now = here();
    // What cannot be checked is put right where it is chosen.
    if (now && (now.problems.length > 0 || nameTaken(workspace, now) || missing(targetsOf(now, table), now, table).length > 0)) to('map');
    else await check();
  };
  const other = async () => {
    await imports.cancel(id).catch(() => undefined);
    navigate(!table ? '/new?from=file' : `${tablePath(table)}/import`);
  };
  return {
    to,
    going,
    straight: () => once(straight),
    check: () => once(check),
    commit: (continueOnError: boolean) => void commit(continueOnError),
    other: () => void other(),
  };
}
