// Jobs on the values of a column: asked for, followed until they are over, and what the page knows of the table read anew then.
import { ApiError } from '../api/http';
import { jobs as api } from '../api/jobs';
import { addressOf, DEFAULT_WORKSPACE } from '../api/places';
import { keys, queryClient } from '../api/queries';
import type { ColumnJobKind, Job, JobKind, Table, VaultJobCreate } from '../api/wire';
import { isOver } from './JobProgress';

const ASK_FIRST_AFTER_MS = 150;
const ASK_AT_MOST_AFTER_MS = 1_000;

const KINDS: Record<ColumnJobKind, true> = { encryptColumn: true, reindexColumn: true, decryptColumn: true };

export function isColumnJob(kind: JobKind): kind is ColumnJobKind {
  return kind in KINDS;
}

/** The same job for real, after a dry run. */
export function forReal(job: Job): VaultJobCreate {
  const { of, mask, indexed } = job.params;
  return { kind: job.kind, of, mask: mask ?? undefined, indexed: indexed ?? undefined, dryRun: false };
}

/** Tells how a job stands until it is over, or cannot be asked for any more. Answers how it stood last. */
export async function followed(started: Job, tell: (job: Job) => void, ask = () => api.one(started.id)): Promise<Job> {
  let job = started;
  for (let wait = ASK_FIRST_AFTER_MS; !isOver(job); wait = Math.min(wait * 1.5, ASK_AT_MOST_AFTER_MS)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      job = await ask();
    } catch (error) {
      // A server that is away for a while comes back; whoever may not ask any more never may.
      if (!(error instanceof ApiError) || [401, 403, 404].includes(error.status)) break;
    }
    tell(job);
  }
  await settled(started);
  return job;
}

/** What the table of a job is called in requests; none for jobs on all secrets, and where nothing of the table was shown. */
function addressIn({ params: { of } }: Job): string | undefined {
  const workspace = of?.workspace ?? DEFAULT_WORKSPACE;
  if (workspace === DEFAULT_WORKSPACE) return of?.table;
  const known = queryClient.getQueryData<Table[]>(keys.tablesOf(workspace))?.find((one) => one.slug === of?.table);
  return known && addressOf(known);
}

/** Reads anew what tells of a table's values; what is not shown is forgotten, as it may have some that are encrypted by now. */
export async function settled(job: Job): Promise<void> {
  const stale: (readonly string[])[] = [keys.jobs, keys.vault, keys.tables, keys.operations];
  const table = addressIn(job);
  if (table !== undefined) {
    const values = [keys.histories(table), keys.trash(table)];
    for (const queryKey of values) queryClient.removeQueries({ queryKey, type: 'inactive' });
    stale.push(keys.table(table), ...values);
  }
  await Promise.all(stale.map((queryKey) => queryClient.invalidateQueries({ queryKey })));
}
