// What can be done with the ticked records, however many there are.
import { Button, CloseButton, Group, Progress, Select, Stack, Text } from '@mantine/core';
import { Download, PencilLine, Trash2 } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import type { Column, Rec, Table } from '../api/wire';
import { editable, parseText } from '../fields/registry';
import { FieldInput } from '../fields/FieldInput';
import { text } from '../text/en';
import type { Question } from '../ui/confirm';
import { Dialog } from '../ui/Dialog';
import { focusHome } from '../ui/focus';
import { messageOf, Problem } from '../ui/states';
import { count } from '../ui/time';
import { showError } from '../ui/toast';
import type { GridModel, View } from './model';
import { BULK_CHUNK, type Change, type GridWriter } from './writer';

const ExportDialog = lazy(() => import('./ExportDialog').then((all) => ({ default: all.ExportDialog })));

/** Above this many, deleting asks to type the number. */
const DELETE_UNASKED_MAX = 1_000;

interface BulkProps {
  grid: GridModel;
  writer: GridWriter;
  table: Table;
  columns: Column[];
  view: View;
  mayEdit: boolean;
  ask: (question: Question) => void;
}

export function BulkBar(props: BulkProps) {
  const { grid, writer, mayEdit } = props;
  const [setting, setSetting] = useState(false);
  const [exporting, setExporting] = useState(false);
  const [busy, setBusy] = useState<{ label: string; done: number; of: number } | null>(null);
  const marked = grid.markedRows;
  const shown = marked > 0 || busy !== null;
  useEffect(() => (shown ? focusHome : undefined), [shown]);
  if (!shown) return null;

  const collectIds = async () => {
    if (!grid.marks.all) return [...grid.marks.except];
    const ids: string[] = [];
    for await (const some of grid.marked('ids')) ids.push(...some.map((record) => record.id));
    return ids;
  };
  const remove = async () => {
    setBusy({ label: text.bulk.deleting, done: 0, of: marked });
    try {
      const ids = await collectIds();
      if (await writer.remove(ids)) grid.markAll(false);
    } finally {
      setBusy(null);
    }
  };
  const askRemove = () => {
    if (marked <= DELETE_UNASKED_MAX) {
      remove().catch((error: unknown) => showError(messageOf(error)));
      return;
    }
    props.ask({
      title: text.bulk.deleteTitle(marked),
      body: text.bulk.deleteBody,
      confirm: text.bulk.delete,
      typed: String(marked),
      danger: true,
      run: remove,
    });
  };
  return (
    <div className="bulk" role="region" aria-label={text.bulk.label}>
      <strong>{text.grid.selected(count(marked))}</strong>
      {!grid.marks.all && marked < grid.rowCount.rows && (
        <Button variant="subtle" onClick={() => grid.markAll(true)}>
          {text.bulk.selectAll(count(grid.rowCount.rows))}
        </Button>
      )}
      {busy ? (
        <span className="bulk-busy" role="status">
          {busy.label} <Progress value={(100 * busy.done) / Math.max(1, busy.of)} w={120} aria-label={busy.label} />
        </span>
      ) : (
        <Group gap="xs">
          {mayEdit && (
            <Button variant="default" leftSection={<PencilLine size={14} />} onClick={() => setSetting(true)}>
              {text.bulk.setField}
            </Button>
          )}
          <Button variant="default" leftSection={<Download size={14} />} onClick={() => setExporting(true)}>
            {text.bulk.export}
          </Button>
          {mayEdit && (
            <Button variant="light" color="red" leftSection={<Trash2 size={14} />} onClick={askRemove}>
              {text.bulk.delete}
            </Button>
          )}
        </Group>
      )}
      <CloseButton aria-label={text.bulk.clear} onClick={() => grid.markAll(false)} />
      {exporting && (
        <Suspense fallback={null}>
          <ExportDialog table={props.table} columns={props.columns} view={props.view} grid={grid} which="selected" close={() => setExporting(false)} />
        </Suspense>
      )}
      {setting && <SetField {...props} close={() => setSetting(false)} />}
    </div>
  );
}

async function collectRecords(grid: GridModel, progress: (done: number) => void): Promise<Rec[]> {
  const rows: Rec[] = [];
  for await (const some of grid.marked('records')) {
    rows.push(...some);
    progress(rows.length);
  }
  return rows;
}

function SetField(props: BulkProps & { close: () => void }) {
  const { grid, writer, columns, close } = props;
  const fields = columns.filter(editable);
  const [slug, setSlug] = useState<string | null>(fields[0]?.slug ?? null);
  const [value, setValue] = useState<unknown>(null);
  const [sending, setSending] = useState(0);
  const [progress, setProgress] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const column = fields.find((one) => one.slug === slug);
  const marked = grid.markedRows;
  const empty = value === null || value === '';
  const lacking = empty && column?.validation.required === true;
  const run = async () => {
    if (!column) return;
    setProgress(0);
    setError(null);
    const parsed = typeof value === 'string' ? parseText(value, column) : ({ ok: true, value } as const);
    if (!parsed.ok) {
      setError(new Error(parsed.message));
      setProgress(null);
      return;
    }
    try {
      const rows = await collectRecords(grid, (done) => setProgress((50 * done) / marked));
      const changes: Change[] = rows.map((record) => ({
        record,
        row: grid.pages.rowOf(record.id) ?? 0,
        data: { [column.slug]: parsed.value },
      }));
      await writer.cells(changes, text.undo.set(column.name));
      close();
      grid.refresh();
    } catch (cause) {
      setError(cause);
      setProgress(null);
    }
  };
  return (
    <Dialog onClose={close} title={text.bulk.setTitle(marked)}>
      <Stack gap="sm">
        <Select
          label={text.bulk.field}
          searchable
          allowDeselect={false}
          data={fields.map((one) => ({ value: one.slug, label: one.name }))}
          value={slug}
          onChange={(next) => {
            setSlug(next);
            setValue(null);
          }}
        />
        {column && <FieldInput key={column.slug} column={column} value={value} change={setValue} label={text.bulk.value} sending={setSending} />}
        <Text size="xs" c="dimmed">
          {sending > 0 ? text.files.coming(sending) : lacking ? text.bulk.required(column.name) : empty ? text.bulk.willClear(marked) : text.bulk.willSet(marked)}{' '}
          {marked > BULK_CHUNK ? text.bulk.inParts(BULK_CHUNK) : text.bulk.atomic}
        </Text>
        {progress !== null && <Progress value={progress} aria-label={text.bulk.setting} />}
        <Problem error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {text.common.cancel}
          </Button>
          <Button loading={progress !== null} disabled={sending > 0 || lacking} onClick={() => void run()}>
            {text.bulk.apply}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
