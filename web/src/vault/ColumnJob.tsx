// Encrypts the values of a column, seals them in another way, or makes them readable: asked for here, and watched while one likes.
import { Anchor, Button, Checkbox, Group, Select, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { Link, useLocation } from 'wouter';
import { jobs as api } from '../api/jobs';
import { inWorkspace } from '../api/places';
import type { Column, ColumnJobKind, ColumnMask, Job, Table, VaultJobCreate } from '../api/wire';
import { maskChoices } from '../columns/encryption';
import { text } from '../text/en';
import { words } from '../text/vault';
import { Problem } from '../ui/states';
import { dismiss, show, showError } from '../ui/toast';
import { useWork } from '../ui/work';
import { followed, forReal } from './columnJobs';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { isOver, JOB_COLORS, JobProgress } from './JobProgress';

interface Props {
  table: Table;
  column: Column;
  kind: ColumnJobKind;
  close: () => void;
}

const FIELDS = ['mask', 'encrypted.indexed', 'indexed', 'unique'] as const;
/** What may be wrong with the column, for which nothing stands here. */
const ELSEWHERE = ['encrypted', 'defaultValue', 'isPrimary', 'generated', 'ref', 'column', 'of'] as const;
const PLACED = [...FIELDS, ...ELSEWHERE];
const JOBS_PATH = '/vault/jobs';

export function ColumnJob({ table, column, kind, close }: Props) {
  const [job, setJob] = useState<Job | null>(null);
  const shown = useRef(true);
  const toast = useRef<number | null>(null);
  const [, navigate] = useLocation();
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  const start = async (body: VaultJobCreate) => {
    const started = await api.start(body);
    setJob(started);
    void followed(started, setJob).then((last) => {
      if (toast.current !== null) dismiss(toast.current);
      if (!shown.current) tellEnd(last, column.name);
    });
  };
  const leave = () => {
    if (job && !isOver(job)) toast.current = show(words.jobs.started, { label: words.columns.showJobs, run: () => navigate(JOBS_PATH) });
    close();
  };
  return (
    <Dialog onClose={leave} title={words.columns.titles[kind](column.name)}>
      {job ? (
        <Watch job={job} column={column} again={() => start(forReal(job))} leave={leave} close={close} />
      ) : (
        <Ask table={table} column={column} kind={kind} start={start} close={close} />
      )}
    </Dialog>
  );
}

/** How a job ended that nobody watched. */
function tellEnd(job: Job, name: string): void {
  if (job.state === 'done') show(job.dryRun ? words.columns.tried : words.columns.ended[job.kind as ColumnJobKind](name));
  else if (job.state === 'failed') showError(words.columns.stopped(name, job.error ?? ''));
}

interface AskProps extends Props {
  start: (body: VaultJobCreate) => Promise<void>;
}

function Ask({ table, column, kind, start, close }: AskProps) {
  const readable = kind === 'decryptColumn';
  const [mask, setMask] = useState<ColumnMask>(column.encrypted?.mask ?? 'full');
  const [indexed, setIndexed] = useState(column.encrypted?.indexed ?? (column.indexed || column.validation?.unique === true));
  const [dryRun, setDryRun] = useState(false);
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, PLACED);
  const atIndex = [at['encrypted.indexed'], at.indexed, at.unique].filter(Boolean).join(' ');
  const elsewhere = ELSEWHERE.map((field) => at[field]).filter(Boolean).join(' ');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const of = { ...inWorkspace(table.workspaceId), table: table.slug, column: column.slug };
    void work(() => start({ kind, of, dryRun, ...(readable ? {} : { mask, indexed }) }));
  };
  return (
    <form ref={form} onSubmit={submit}>
      <Stack gap="md">
        {!readable && (
          <>
            <Select
              label={text.columns.mask}
              data={maskChoices}
              value={mask}
              allowDeselect={false}
              data-autofocus
              error={at.mask}
              onChange={(chosen) => chosen && setMask(chosen as ColumnMask)}
            />
            <Checkbox
              size="sm"
              label={words.columns.find}
              description={text.columns.encryptedHint(indexed)}
              checked={indexed}
              error={atIndex || undefined}
              aria-invalid={atIndex ? true : undefined}
              onChange={(event) => setIndexed(event.currentTarget.checked)}
            />
          </>
        )}
        <Stack gap={6}>
          {words.columns.about[kind].map((line) => (
            <Text key={line} size="sm">
              {line}
            </Text>
          ))}
        </Stack>
        <Checkbox size="xs" label={words.jobs.dryRun} checked={dryRun} onChange={(event) => setDryRun(event.currentTarget.checked)} />
        {elsewhere && <Problem error={new Error(elsewhere)} />}
        <Refusal error={error} fields={PLACED} />
        <FormFoot close={close} run={dryRun ? words.jobs.runDry : words.columns.run[kind]} busy={busy} danger={readable && !dryRun} />
      </Stack>
    </form>
  );
}

interface WatchProps {
  job: Job;
  column: Column;
  /** Starts it for real, after a dry run. */
  again: () => Promise<void>;
  leave: () => void;
  close: () => void;
}

function Watch({ job, column, again, leave, close }: WatchProps) {
  const { busy, error, work } = useWork();
  const kind = job.kind as ColumnJobKind;
  const over = isOver(job);
  const said = job.state !== 'done' ? '' : job.dryRun ? words.columns.tried : words.columns.ended[kind](column.name);
  return (
    <Stack gap="sm" data-job-state={job.state}>
      {job.state !== 'running' && job.state !== 'done' && (
        <div>
          <span className="pill" data-color={JOB_COLORS[job.state]}>
            {words.jobs.states[job.state]}
          </span>
        </div>
      )}
      <JobProgress job={job} name={words.jobs.names[kind]} />
      <Text size="sm" role="status" c={over ? undefined : 'dimmed'}>
        {over ? said : words.columns.goesOn}
      </Text>
      <Problem error={error} />
      <Group justify="space-between" gap="xs">
        <Anchor component={Link} to={JOBS_PATH} size="sm" onClick={close}>
          {words.columns.showJobs}
        </Anchor>
        <Group gap="xs">
          <Button variant="default" autoFocus onClick={leave}>
            {over ? text.common.close : words.columns.leave}
          </Button>
          {job.state === 'done' && job.dryRun && (
            <Button loading={busy} color={kind === 'decryptColumn' ? 'red' : undefined} onClick={() => void work(again)}>
              {words.jobs.forReal}
            </Button>
          )}
        </Group>
      </Group>
    </Stack>
  );
}
