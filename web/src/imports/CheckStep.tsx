// The fifth step: every row is checked and nothing written; then the counts and every refused row, and the way on.
import { Button, Checkbox, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { useWorkspace } from '../api/places';
import { useFieldTypes } from '../api/queries';
import type { ImportDraft, ImportStatus, Table } from '../api/wire';
import { fieldTypeName } from '../fields/registry';
import { words } from '../text/imports';
import { Problem } from '../ui/states';
import { nearlyTyped } from './newColumns';
import { Counts, madeColumns, RowErrors } from './Report';
import { Running } from './Running';
import { BackTo, StepFoot } from './Steps';
import type { Import } from './useImport';
import { NEW, pathOf, targetsOf } from './wizard';

const { check: say } = words;

interface CheckProps {
  one: ImportStatus;
  job: Import;
  table: Table | undefined;
  check: () => void;
  commit: (continueOnError: boolean) => void;
}

export function CheckStep({ one, job, table, check, commit }: CheckProps) {
  if (one.running) return <Running one={one} job={job} trial />;
  if (!one.draft) return null;
  const { draft } = one;
  if (draft.check) return <Checked key={draft.check.startedAt} draft={draft} job={job} id={one.importId} table={table} commit={commit} />;
  return (
    <Stack gap="md">
      {draft.failure ? <Problem error={new Error(`${say.failed} ${draft.failure}`)} /> : <Text size="sm">{say.notYet}</Text>}
      {draft.problems.length > 0 && <Problem error={new Error(`${say.problems} ${draft.problems.map((issue) => issue.message).join('; ')}`)} />}
      <StepFoot error={job.error} back={<BackTo id={one.importId} step="rules" />}>
        <Button disabled={draft.problems.length > 0} onClick={check}>
          {draft.failure ? say.again : say.run}
        </Button>
      </StepFoot>
    </Stack>
  );
}

interface CheckedProps {
  draft: ImportDraft;
  job: Import;
  id: string;
  table: Table | undefined;
  commit: (continueOnError: boolean) => void;
}

function Checked({ draft, job, id, table, commit }: CheckedProps) {
  const [skipBad, setSkipBad] = useState(draft.options.continueOnError ?? false);
  const report = draft.check;
  if (!report) return null;
  const rows = report.created + report.updated;
  const made = madeColumns(report);
  return (
    <Stack gap="md">
      {report.end === 'refused' && !report.dryRun ? (
        <Problem error={new Error(say.refused)} />
      ) : (
        <Text size="sm" role="status">
          {say.done} {report.failed === 0 ? say.clean : ''}
        </Text>
      )}
      <Counts report={report} trial />
      {made && table && <Text size="sm">{say.madeColumns(made)}</Text>}
      <KeptAsText draft={draft} id={id} table={table} />
      <RowErrors report={report} columns={table?.columns ?? []} />
      {report.failed > 0 && (
        <>
          <Text size="sm">{say.mend}</Text>
          <Checkbox size="sm" label={words.rules.skipBad} description={words.rules.skipBadBody} checked={skipBad} onChange={(event) => setSkipBad(event.currentTarget.checked)} />
        </>
      )}
      {rows === 0 && <div className="import-note">{say.nothing}</div>}
      <StepFoot error={job.error} back={<BackTo id={id} step="rules" />}>
        <Button disabled={rows === 0 || (report.failed > 0 && !skipBad)} loading={job.busy} onClick={() => commit(skipBad)}>
          {say.start(rows)}
        </Button>
      </StepFoot>
    </Stack>
  );
}

/** Whoever went straight to the check has not seen which columns a single value keeps from being numbers or dates. */
function KeptAsText({ draft, id, table }: Pick<CheckedProps, 'draft' | 'id' | 'table'>) {
  const types = useFieldTypes();
  const workspace = useWorkspace();
  const targets = targetsOf(draft, table);
  const columns = nearlyTyped(draft, Object.keys(targets).filter((header) => targets[header] === NEW));
  if (columns.length === 0) return null;
  return (
    <div className="import-note">
      {say.keptAsText}
      <ul>
        {columns.map(({ header, fieldType, off, of }) => (
          <li key={header}>{say.nearly(header, fieldTypeName(types.data, fieldType), off, of)}</li>
        ))}
      </ul>
      <Link to={pathOf(workspace, id, 'map')}>{say.chooseTypes}</Link>
    </div>
  );
}
