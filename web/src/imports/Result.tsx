// What an import did or would do: counts, and every refused row with its reason.
import { Button, Text } from '@mantine/core';
import { Download } from 'lucide-react';
import { imports } from '../api/endpoints';
import { saveFile } from '../api/http';
import type { FieldColumn, ImportReport } from '../api/wire';
import { text } from '../text/en';
import { messageOf } from '../ui/states';
import { count } from '../ui/time';
import { showError } from '../ui/toast';

const SHOWN_MAX = 500;

export function Counts({ report, trial }: { report: ImportReport; trial: boolean }) {
  const words = trial ? text.imports.would : text.imports.did;
  const counts: [keyof typeof words, number][] = [
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
          <dt>{words[name]}</dt>
        </div>
      ))}
    </dl>
  );
}

export function RowErrors({ report, columns, offerFile }: { report: ImportReport; columns: FieldColumn[]; offerFile: boolean }) {
  if (report.failed === 0 && report.errors.length === 0) return null;
  const nameOf = (slug: string) => columns.find((column) => column.slug === slug)?.name ?? slug;
  const download = () => {
    imports.errorsCsv(report.importId).then(
      (blob) => saveFile(blob, `import-errors-${report.importId}.csv`),
      (error: unknown) => showError(messageOf(error)),
    );
  };
  const more = report.errorsTotal - Math.min(report.errors.length, SHOWN_MAX);
  return (
    <section className="row-errors" aria-label={text.imports.errors}>
      <div className="page-head">
        <Text fw={600} size="sm">
          {text.imports.refusedRows(report.failed)}
        </Text>
        {offerFile && (
          <Button variant="default" leftSection={<Download size={14} />} onClick={download}>
            {text.imports.errorsCsv}
          </Button>
        )}
      </div>
      <div className="sheet short" tabIndex={0} role="region" aria-label={text.imports.errors}>
        <table className="plain">
          <thead>
            <tr>
              <th scope="col" className="num">
                {text.report.row}
              </th>
              <th scope="col">{text.report.column}</th>
              <th scope="col">{text.report.value}</th>
              <th scope="col">{text.report.reason}</th>
            </tr>
          </thead>
          <tbody>
            {report.errors.slice(0, SHOWN_MAX).map((error, i) => (
              <tr key={i}>
                <td className="num">{count(error.row)}</td>
                <td>{nameOf(error.field)}</td>
                <td className="cut mono">{error.value ?? ''}</td>
                <td>{error.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more > 0 && (
        <Text size="xs" c="dimmed">
          {text.imports.moreErrors(count(more))}
        </Text>
      )}
    </section>
  );
}
