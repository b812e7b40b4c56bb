// Long work on all secrets, and on columns: started, watched, paused, resumed, cancelled. It goes on in the server whoever watches.
import { Badge, Button, Code, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ListChecks, Pause, Play, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { jobs as api } from '../api/jobs';
import { keys, queryClient } from '../api/queries';
import type { Job } from '../api/wire';
import { words } from '../text/vault';
import { Confirm, type Question } from '../ui/confirm';
import { Empty, Failure, Loading, messageOf, Problem } from '../ui/states';
import { ago, when } from '../ui/time';
import { showError } from '../ui/toast';
import { useWork } from '../ui/work';
import { refreshVault } from './acts';
import { forReal, isColumnJob, settled } from './columnJobs';
import { Dialog } from '../ui/Dialog';
import { FormFoot } from '../ui/form';
import { NewPassword, SecretPassword } from './inputs';
import { columnOf, isOver, JOB_COLORS, JobProgress } from './JobProgress';
import type { Draft } from './StartJob';

const WATCH_MS = 1_000;
const IDLE_MS = 5_000;

function refresh(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: keys.jobs });
}

export function Jobs({ start, sealed }: { start: (draft?: Draft) => void; sealed: boolean }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [asking, setAsking] = useState<Job | null>(null);
  const found = useQuery({
    queryKey: keys.jobs,
    queryFn: api.list,
    refetchOnMount: 'always',
    refetchInterval: (query) => (query.state.data?.some((job) => job.state === 'running') ? WATCH_MS : IDLE_MS),
  });
  const all = found.data ?? [];
  const over = useRef<ReadonlySet<string> | null>(null);
  useEffect(() => {
    if (!found.data) return;
    const now = found.data.filter(isOver);
    const ended = now.filter((job) => over.current?.has(job.id) === false);
    over.current = new Set(now.map((job) => job.id));
    if (ended.length > 0) void refreshVault();
    for (const job of ended) if (job.params.of) void settled(job);
  }, [found.data]);
  const turn = async (job: Promise<Job>) => {
    try {
      await job;
    } catch (error) {
      showError(messageOf(error));
    }
    await refresh();
  };
  const steer: Steer = {
    pause: (job) => void turn(api.pause(job.id)),
    resume: (job) => (job.state === 'waiting' || job.kind === 'changePassword' ? setAsking(job) : void turn(api.resume(job.id))),
    cancel: (job) =>
      setQuestion({
        title: words.jobs.cancelTitle,
        body: isColumnJob(job.kind) || job.kind === 'changeColumnType' ? words.jobs.cancelColumn : words.jobs.cancelBody,
        confirm: words.jobs.cancelRun,
        danger: true,
        run: async () => {
          await api.cancel(job.id);
          await refresh();
        },
      }),
    forReal: (job) => {
      const { kind } = job;
      // Its trial is answered at once and is no job.
      if (kind === 'changeColumnType') return;
      if (!isColumnJob(kind)) return start({ kind, deletedBefore: job.params.deletedBefore ?? undefined, dryRun: false });
      setQuestion({
        title: words.columns.titles[kind](columnOf(job)),
        body: words.columns.about[kind].join(' '),
        confirm: words.columns.run[kind],
        danger: kind === 'decryptColumn',
        run: async () => {
          await api.start(forReal(job));
          await refresh();
        },
      });
    },
    sealed,
  };
  return (
    <>
      <Group justify="space-between" mb="sm" gap="xs">
        <Text size="sm" c="dimmed" maw={640}>
          {words.jobs.about}
        </Text>
        <Button leftSection={<Play size={14} />} disabled={sealed} onClick={() => start()}>
          {words.jobs.start}
        </Button>
      </Group>
      {found.isPending && <Loading rows={3} />}
      {found.isError && !found.data && <Failure error={found.error} retry={() => void found.refetch()} />}
      {found.data && all.length === 0 && <Empty icon={<ListChecks size={28} />} title={words.jobs.empty} body={words.jobs.emptyBody} />}
      <ul className="steps">
        {all.map((job) => (
          <OneJob key={job.id} job={job} steer={steer} />
        ))}
      </ul>
      {asking && <Passwords job={asking} close={() => setAsking(null)} />}
      <Confirm question={question} close={() => setQuestion(null)} />
    </>
  );
}

interface Steer {
  pause: (job: Job) => void;
  resume: (job: Job) => void;
  cancel: (job: Job) => void;
  forReal: (job: Job) => void;
  sealed: boolean;
}

function OneJob({ job, steer }: { job: Job; steer: Steer }) {
  const name = words.jobs.names[job.kind] ?? job.kind;
  const column = columnOf(job);
  const called = column ? `${name} ${column}` : name;
  const over = isOver(job);
  return (
    <li className="step job" data-job={job.id} data-state={job.state}>
      <div className="step-head">
        <Group gap="xs">
          <strong>{name}</strong>
          {column && <Code>{column}</Code>}
          {job.dryRun && <Badge variant="default">{words.jobs.dry}</Badge>}
          <span className="pill" data-color={JOB_COLORS[job.state]}>
            {words.jobs.states[job.state] ?? job.state}
          </span>
        </Group>
        <span className="dimmed" title={when(job.createdAt)}>
          {words.jobs.startedAt} {ago(job.createdAt)}
        </span>
      </div>
      <JobProgress job={job} name={called} />
      <Group gap="xs">
        {job.state === 'running' && (
          <Button size="compact-xs" variant="default" leftSection={<Pause size={12} />} aria-label={words.jobs.pauseOf(called)} onClick={() => steer.pause(job)}>
            {words.jobs.pause}
          </Button>
        )}
        {(job.state === 'paused' || job.state === 'waiting') && (
          <Button size="compact-xs" leftSection={<Play size={12} />} disabled={steer.sealed} aria-label={words.jobs.resumeOf(called)} onClick={() => steer.resume(job)}>
            {words.jobs.resume}
          </Button>
        )}
        {!over && (
          <Button size="compact-xs" variant="subtle" color="red" leftSection={<X size={12} />} aria-label={words.jobs.cancelOf(called)} onClick={() => steer.cancel(job)}>
            {words.jobs.cancel}
          </Button>
        )}
        {job.state === 'done' && job.dryRun && job.kind !== 'verify' && (
          <Button size="compact-xs" variant="default" disabled={steer.sealed} onClick={() => steer.forReal(job)}>
            {words.jobs.forReal}
          </Button>
        )}
      </Group>
    </li>
  );
}

function Passwords({ job, close }: { job: Job; close: () => void }) {
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const { busy, error, work } = useWork();
  const changes = job.params?.newPassword !== false;
  return (
    <Dialog onClose={close} title={words.jobs.passwordsTitle}>
      <form
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          void work(async () => {
            await api.resume(job.id, { oldPassword: old, newPassword: next || undefined });
            await refresh();
            close();
          });
        }}
      >
        <Stack gap="sm">
          <Text size="sm">{words.jobs.passwordsBody}</Text>
          <SecretPassword label={words.jobs.oldPassword} required first value={old} onChange={setOld} />
          {changes && <NewPassword next={next} setNext={setNext} again={again} setAgain={setAgain} required />}
          <Problem error={error} />
          <FormFoot close={close} run={words.jobs.resume} busy={busy} disabled={old === '' || next !== again || (changes && next === '')} />
        </Stack>
      </form>
    </Dialog>
  );
}
