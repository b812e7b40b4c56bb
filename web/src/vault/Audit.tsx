// What was done to the vault, what was refused, and whether the chain of it holds.
import { Button, Code, Group, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { ScrollText, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { keys, useNames } from '../api/queries';
import { vault } from '../api/vault';
import type { VaultAuditEntry, VaultReport } from '../api/wire';
import { text } from '../text/en';
import { words } from '../text/vault';
import { Empty, Failure, Loading, Problem } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, when } from '../ui/time';
import { useWork } from '../ui/work';
import { handleOf } from './names';
import { Sheet } from '../ui/Sheet';

/** How the ids of what is no secret but a cell begin. */
const CELL = 'cell:';

export function Audit({ sealed }: { sealed: boolean }) {
  const [report, setReport] = useState<VaultReport | null>(null);
  const { busy, error, work } = useWork();
  return (
    <>
      <Group justify="space-between" mb="sm" gap="xs">
        <Text size="sm" c="dimmed" maw={640}>
          {words.audit.about}
        </Text>
        <Button
          variant="default"
          loading={busy}
          disabled={sealed}
          leftSection={<ShieldCheck size={14} />}
          onClick={() => void work(async () => setReport(await vault.verify()))}
        >
          {words.audit.verify}
        </Button>
      </Group>
      <Problem error={error} />
      {report && <Report report={report} />}
      <AuditTrail />
    </>
  );
}

function Report({ report }: { report: VaultReport }) {
  return (
    <div className="report" role="status" data-sound={report.sound}>
      <Text size="sm" fw={600}>
        {report.sound ? words.audit.sound(report.entries, report.secrets) : words.audit.unsound}
      </Text>
      {report.faults.length > 0 && (
        <ul className="warnings">
          {report.faults.map((fault) => (
            <li key={fault}>{fault}</li>
          ))}
        </ul>
      )}
      {report.head && (
        <Text size="xs" mt={6}>
          {words.audit.head}: {words.audit.segment} {report.head.segment},{' '}
          <Code className="wrap-anywhere">{report.head.code}</Code>
          <br />
          {words.audit.headHint}
        </Text>
      )}
    </div>
  );
}

/** The entries of one secret, or all. */
export function AuditTrail({ secret }: { secret?: string }) {
  const actor = useNames();
  const found = useInfiniteQuery({
    queryKey: [...keys.vault, 'audit', secret ?? null],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => vault.audit(secret, pageParam),
    getNextPageParam: (page) => (page.pagination.hasMore ? (page.pagination.nextCursor ?? undefined) : undefined),
    refetchOnMount: 'always',
  });
  if (found.isPending) return <Loading rows={3} />;
  if (found.isError && !found.data) return <Failure error={found.error} retry={() => void found.refetch()} />;
  const entries = found.data?.pages.flatMap((page) => page.entries) ?? [];
  if (entries.length === 0) {
    return <Empty icon={<ScrollText size={28} />} title={words.audit.empty} body={words.audit.emptyBody} />;
  }
  const names = [words.audit.when, words.audit.what, words.audit.outcome, words.audit.who, words.audit.from];
  return (
    <>
      <Sheet label={secret ? words.audit.trail : words.audit.title}>
        <table className="plain audit">
          <Heads names={secret ? names : [...names, words.audit.secret]} />
          <tbody>
            {entries.map((entry) => (
              <tr key={entry.id} data-op={entry.op} data-outcome={entry.outcome}>
                <td className="time" title={when(entry.at)}>
                  {ago(entry.at)}
                </td>
                <td>{words.audit.ops[entry.op] ?? entry.op}</td>
                <td>
                  <Outcome entry={entry} />
                </td>
                <td>{actor(entry.actor)}</td>
                <td className="mono">{entry.client ?? ''}</td>
                {!secret && (
                  <td>
                    {entry.secret && <Subject id={entry.secret} />}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </Sheet>
      {found.hasNextPage && (
        <Group justify="center" mt="md">
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {text.common.more}
          </Button>
        </Group>
      )}
    </>
  );
}

/** What an entry is about: a secret has a page, a cell of a column has none. */
function Subject({ id }: { id: string }) {
  if (id.startsWith(CELL)) return <span title={id}>{words.audit.cell}</span>;
  return (
    <Link to={`/vault/s/${id}`} title={id}>
      {handleOf(id)}
    </Link>
  );
}

function Outcome({ entry }: { entry: VaultAuditEntry }) {
  if (entry.outcome === 'ok') return <>{words.audit.ok}</>;
  return (
    <span className="pill" data-color="red">
      {words.audit.outcomes[entry.outcome] ?? entry.outcome}
    </span>
  );
}
