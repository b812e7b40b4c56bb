// What an import did or would do: counts, and every refused row with its reason.
import { Button, Text } from '@mantine/core';
import { Download } from 'lucide-react';
import { imports } from '../api/endpoints';
import { saveFile } from '../api/http';
import type { FieldColumn, ImportReport } from '../api/wire';
import { text } from '../text/en';
import { messageOf } from '../ui/states';
import { RefusedValues, refusedShown } from '../ui/tables';
import { count } from '../ui/time';
import { showError } from '../ui/toast';

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
  const more = report.errorsTotal - refusedShown(report.errors.length);
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
        <RefusedValues
          values={report.errors.map(({ row, field, value, message }) => ({ row, column: nameOf(field), value: value ?? '', reason: message }))}
        />
      </div>
      {more > 0 && (
        <Text size="xs" c="dimmed">
          {text.imports.moreErrors(count(more))}
        </Text>
      )}
    </section>
  );
}
