// What the grid asks or reports: a conflict, refused cells, rows pasted past the end.
import { Button, Group, ScrollArea, Text } from '@mantine/core';
import { useState } from 'react';
import type { Column, Data } from '../api/wire';
import { displayText } from '../fields/registry';
import { text } from '../text/en';
import { Dialog } from '../ui/Dialog';
import { RefusedValues } from '../ui/tables';
import { ago } from '../ui/time';
import type { GridModel } from './model';
import type { GridWriter } from './writer';

export function ConflictDialog({ grid, writer }: { grid: GridModel; writer: GridWriter }) {
  const conflict = grid.conflict;
  if (!conflict) return null;
  const { record, column } = conflict;
  const state = grid.cellState(record.id, column.slug);
  const theirs = state?.current?.data[column.slug];
  const close = () => {
    grid.conflict = null;
    grid.emit();
  };
  return (
    <Dialog onClose={close} title={text.conflict.title}>
      <Text size="sm">{text.conflict.body(column.name, ago(state?.current?.updatedAt))}</Text>
      <dl className="compare">
        <div>
          <dt>{text.conflict.mine}</dt>
          <dd>{displayText(state?.value, column) || text.fields.none}</dd>
        </div>
        <div>
          <dt>{text.conflict.theirs}</dt>
          <dd>{displayText(theirs, column, state?.current?.data._display?.[column.slug]) || text.fields.none}</dd>
        </div>
      </dl>
      <Group justify="flex-end" gap="xs" mt="md">
        <Button variant="default" onClick={() => void writer.settle(record, column, false)}>
          {text.conflict.takeTheirs}
        </Button>
        <Button data-autofocus onClick={() => void writer.settle(record, column, true)}>
          {text.conflict.keepMine}
        </Button>
      </Group>
    </Dialog>
  );
}

export function ReportDialog({ grid, columns }: { grid: GridModel; columns: Column[] }) {
  const [busy, setBusy] = useState(false);
  const report = grid.report;
  if (!report) return null;
  const nameOf = (slug: string) => columns.find((column) => column.slug === slug)?.name ?? slug;
  const close = () => {
    grid.report = null;
    grid.emit();
  };
  const say = report.deleting ? text.report.deleting : text.report;
  return (
    <Dialog size="lg" onClose={close} title={say.title(report.title)}>
      <Text size="sm">{say.body(report.bad.length, report.keepGood ? report.good : 0)}</Text>
      <ScrollArea.Autosize mah={320} mt="sm">
        <RefusedValues
          values={report.bad.map(({ row, column, value, message }) => ({ row: row + 1, column: nameOf(column), value, reason: message }))}
        />
      </ScrollArea.Autosize>
      <Group justify="flex-end" gap="xs" mt="md">
        <Button variant="default" onClick={close}>
          {report.keepGood ? say.discard : text.common.close}
        </Button>
        {report.keepGood && (
          <Button
            loading={busy}
            onClick={() => {
              const keep = report.keepGood;
              setBusy(true);
              close();
              void keep?.().finally(() => setBusy(false));
            }}
          >
            {say.keepGood(report.good)}
          </Button>
        )}
      </Group>
    </Dialog>
  );
}

export function OfferRows({ rows, close, writer }: { rows: Data[] | null; close: () => void; writer: GridWriter }) {
  if (!rows) return null;
  return (
    <Dialog onClose={close} title={text.offer.title}>
      <Text size="sm">{text.offer.body(rows.length)}</Text>
      <Group justify="flex-end" gap="xs" mt="md">
        <Button variant="default" onClick={close}>
          {text.offer.no}
        </Button>
        <Button
          data-autofocus
          onClick={() => {
            close();
            void writer.append(rows);
          }}
        >
          {text.offer.yes(rows.length)}
        </Button>
      </Group>
    </Dialog>
  );
}
