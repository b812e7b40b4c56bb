// What an import did or would do: exact counts, and every refused row with its reason, page by page and by kind.
import { Button, Group, Text } from '@mantine/core';
import { Download } from 'lucide-react';
import { useMemo, useState } from 'react';
import { saveFile } from '../api/http';
import { useImports } from '../api/queries';
import type { FieldColumn, ImportReport, RowError } from '../api/wire';
import { words } from '../text/imports';
import { Sheet } from '../ui/Sheet';
import { messageOf } from '../ui/states';
import { Heads } from '../ui/tables';
import { count } from '../ui/time';
import { showError } from '../ui/toast';

const { errors: say } = words;
const PAGE_ROWS = 50;

export function Counts({ report, trial }: { report: ImportReport; trial: boolean }) {
  const names = trial ? words.would : words.did;
  const counts: [keyof typeof names, number][] = [
    ['created', report.created],
    ['updated', report.updated],
    ['unchanged', report.unchanged],
    ['failed', report.failed],
  ];
  return (
    <dl className="counts">
      {counts.map(([name, n]) => (
        <div key={name} data-kind={name} data-zero={n === 0 || undefined}>
          <dd>{count(n)}</dd>
          <dt>{names[name]}</dt>
        </div>
      ))}
    </dl>
  );
}

/** The columns that the import makes, by their names. */
export const madeColumns = (report: ImportReport): string => report.columns.filter((one) => one.created).map((one) => one.header).join(', ');

interface Kind {
  key: string;
  label: string;
  count: number;
}

const kindOf = (one: RowError) => `${one.field} ${one.code}`;

export function RowErrors({ report, columns }: { report: ImportReport; columns: FieldColumn[] }) {
  const [kind, setKind] = useState<string | null>(null);
  const [page, setPage] = useState(0);
  const imports = useImports();
  const nameOf = (one: RowError) => one.column ?? columns.find((column) => column.slug === one.field)?.name ?? (one.field || say.wholeRow);
  const kinds = useMemo(() => {
    const found = new Map<string, Kind>();
    for (const one of report.errors) {
      const key = kindOf(one);
      const known = found.get(key) ?? { key, label: `${nameOf(one)}: ${say.kind[one.code] ?? one.code}`, count: 0 };
      found.set(key, { ...known, count: known.count + 1 });
    }
    return [...found.values()].sort((a, b) => b.count - a.count);
    // Names of columns do not change while a report is shown.
  }, [report]);
  if (report.failed === 0 && report.errors.length === 0) return null;
  const shown = kind === null ? report.errors : report.errors.filter((one) => kindOf(one) === kind);
  const from = Math.min(page, Math.max(0, Math.ceil(shown.length / PAGE_ROWS) - 1)) * PAGE_ROWS;
  const to = Math.min(shown.length, from + PAGE_ROWS);
  const download = () => {
    imports.errorsCsv(report.importId).then(
      (blob) => saveFile(blob, `refused-rows-${report.importId}.csv`),
      (error: unknown) => showError(messageOf(error)),
    );
  };
  const choose = (next: string | null) => {
    setKind(next);
    setPage(0);
  };
  return (
    <section className="row-errors" aria-label={say.title}>
      <div className="page-head">
        <Text fw={600} size="sm">
          {say.count(report.failed, report.errorsTotal)}
        </Text>
        <Button variant="default" leftSection={<Download size={14} />} onClick={download}>
          {say.csv}
        </Button>
      </div>
      <div className="kinds" role="group" aria-label={say.kinds}>
        {[{ key: null, label: say.all, count: report.errorsTotal }, ...kinds].map((one) => (
          <button key={one.key ?? ''} type="button" className="kind" aria-pressed={kind === one.key} onClick={() => choose(one.key)}>
            {one.label} <strong>{count(one.count)}</strong>
          </button>
        ))}
      </div>
      <Sheet label={say.title}>
        <table className="plain">
          <Heads names={[say.row, say.line, say.column, say.value, say.reason]} num={say.row} />
          <tbody>
            {shown.slice(from, to).map((one, i) => (
              <tr key={from + i}>
                <td className="num">{count(one.row)}</td>
                <td>{count(one.line)}</td>
                <td>{nameOf(one)}</td>
                <td className="cut mono" title={one.value ?? undefined}>
                  {one.value}
                  {one.valueCut && '…'}
                </td>
                <td>{one.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Sheet>
      {shown.length > PAGE_ROWS && (
        <Group gap="xs" mt="sm" role="group" aria-label={say.pages}>
          <Button variant="default" disabled={from === 0} onClick={() => setPage(from / PAGE_ROWS - 1)}>
            {say.previous}
          </Button>
          <Text size="sm" aria-live="polite">
            {say.page(from + 1, to, shown.length)}
          </Text>
          <Button variant="default" disabled={to === shown.length} onClick={() => setPage(from / PAGE_ROWS + 1)}>
            {say.following}
          </Button>
        </Group>
      )}
      {report.errorsTruncated && (
        <Text size="sm" c="dimmed" mt="xs">
          {say.first(report.errors.length)}
        </Text>
      )}
    </section>
  );
}
