// The last step: what became of an import that is over, the refused rows as a file, and taking it back as a unit.
import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { Check, CircleAlert, Undo2 } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { tablePath } from '../api/places';
import { mayImport } from '../access/rights';
import { mayEdit, useImports } from '../api/queries';
import type { ImportStatus, RevertReport, Table } from '../api/wire';
import { useMe } from '../shell/Shell';
import { words } from '../text/imports';
import { Problem } from '../ui/states';
import { Skipped, UndoButton } from '../ui/UndoButton';
import { Counts, madeColumns, RowErrors } from './Report';
import type { Import } from './useImport';

const { result: say } = words;

export function ResultStep({ one, job, table }: { one: ImportStatus; job: Import; table: Table | undefined }) {
  const me = useMe();
  const imports = useImports();
  const [undone, setUndone] = useState<RevertReport | null>(null);
  const { report } = one;
  if (!report) return null;
  const wrote = report.written;
  const reverted = one.state === 'reverted';
  const good = one.state === 'done';
  const made = madeColumns(report);
  const Sign = reverted ? Undo2 : good ? Check : CircleAlert;
  const end = good && !wrote ? say.ends.nothing : (say.ends[one.state] ?? words.list.states[one.state]);
  return (
    <Stack gap="md">
      <Group gap="xs" role="status">
        <Sign size={18} aria-hidden className={good ? 'tick' : undefined} />
        <Text fw={600}>{end}</Text>
        <Text size="sm" c="dimmed">
          {say.facts(report.rows, say.took(report.executionTime))}
        </Text>
      </Group>
      {report.reason && <Problem error={new Error(report.reason)} />}
      {reverted && undone && (
        <div>
          <Text size="sm">{say.undone(undone.reverted, undone.skippedTotal)}</Text>
          <Skipped report={undone} />
        </div>
      )}
      {(good || reverted || report.failed > 0) && <Counts report={report} trial={false} />}
      {made && wrote && <Text size="sm">{say.columns(made)}</Text>}
      {reverted && (
        <Text size="sm">
          {made ? `${say.stays} ` : ''}
          <Anchor component={Link} to="/activity" inherit>
            {say.redo}
          </Anchor>
        </Text>
      )}
      <RowErrors report={report} columns={table?.columns ?? []} />
      <Group gap="xs">
        {table && (
          <Button component={Link} to={tablePath(table)}>
            {say.open(table.name)}
          </Button>
        )}
        {mayEdit(me) && good && wrote && (
          <UndoButton
            operation={one.importId}
            label={say.undo}
            revert={(dryRun) => imports.revert(one.importId, dryRun)}
            done={(what) => {
              setUndone(what);
              void job.query.refetch();
            }}
          />
        )}
        {mayImport(me, table) && (
          <Button component={Link} to={table ? `${tablePath(table)}/import` : '/new?from=file'} variant="default">
            {say.more}
          </Button>
        )}
        <Button component={Link} to="/jobs" variant="subtle">
          {say.all}
        </Button>
      </Group>
    </Stack>
  );
}
