// How far a job is: a bar, figures, what it did so far, why it failed. Steers nothing.
import { Progress, Text } from '@mantine/core';
import { DEFAULT_WORKSPACE } from '../api/places';
import { keys, queryClient } from '../api/queries';
import type { Job, Workspace } from '../api/wire';
import { words } from '../text/vault';
import { Problem } from '../ui/states';
import { count } from '../ui/time';

export const JOB_COLORS: Record<Job['state'], string> = {
  running: 'blue', paused: 'yellow', waiting: 'orange', done: 'green', cancelled: 'gray', failed: 'red',
};

export function isOver(job: Job): boolean {
  return job.state === 'done' || job.state === 'cancelled' || job.state === 'failed';
}

/** What the job is about, as commands name it; empty for all secrets. */
export function columnOf(job: Job): string {
  const of = job.params.of;
  if (!of) return '';
  const around = (of.workspace ?? DEFAULT_WORKSPACE) !== DEFAULT_WORKSPACE && queryClient.getQueryData<Workspace[]>(keys.workspaces)?.find((one) => one.id === of.workspace);
  return `${around ? `${around.name}: ` : ''}${of.table}.${of.column}`;
}

export function countsOf(job: Job): string {
  const column = words.jobs.columnCounts[job.kind];
  const names = column ? { ...words.jobs.counts, ...column } : words.jobs.counts;
  const done = job.kind === 'verify' ? words.jobs.counts.sound : job.dryRun ? names.would : names.done;
  const parts = [`${count(job.done)} ${done}`];
  if (job.skipped > 0) parts.push(`${count(job.skipped)} ${names.skipped}`);
  if (job.failed > 0) parts.push(`${count(job.failed)} ${names.failed}`);
  if (job.conflicts > 0) parts.push(words.jobs.repeated(job.conflicts));
  return parts.join(', ');
}

export function JobProgress({ job, name }: { job: Job; name: string }) {
  const share = job.state === 'done' || job.total === 0 ? (isOver(job) ? 100 : 0) : Math.min(100, (job.seen / job.total) * 100);
  const total = Math.max(job.seen, job.total);
  // Of a column, records are gone through twice and the log once: how many steps that is tells nobody anything afterwards.
  const line = [
    job.params.of ? (job.state === 'done' ? '' : words.jobs.steps(job.seen, total)) : words.jobs.of(job.seen, total),
    job.state === 'running' && job.rate > 0 ? words.jobs.perSecond(job.rate) : '',
    job.state === 'running' && job.leftMs != null ? words.jobs.left(job.leftMs) : '',
  ].filter(Boolean);
  return (
    <>
      <Progress w="100%" value={share} aria-label={words.jobs.progress(name)} color={job.state === 'failed' ? 'red' : undefined} />
      {line.length > 0 && (
        <Text size="sm" className="job-line">
          {line.join(' · ')}
        </Text>
      )}
      <Text size="sm">{countsOf(job)}</Text>
      {job.error && <Problem error={new Error(`${words.jobs.why} ${job.error}`)} />}
    </>
  );
}
