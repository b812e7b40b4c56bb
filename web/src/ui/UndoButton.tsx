// Takes an operation back as a unit, or does it again, after showing what that would do.
import { Button, Group, Text } from '@mantine/core';
import { Undo2 } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { history as api } from '../api/endpoints';
import { recordPath, useWorkspace } from '../api/places';
import { queryClient, useNames, useTableNamed } from '../api/queries';
import type { RevertReport } from '../api/wire';
import { text } from '../text/en';
import { Dialog } from './Dialog';
import { messageOf, Problem } from './states';
import { Heads } from './tables';
import { show, showError } from './toast';
import { useWork } from './work';

/** How many records that stay are named one by one. */
const SKIPPED_SHOWN = 20;

interface UndoProps {
  operation: string;
  /** Whether the operation is an undo itself. */
  again?: boolean;
  size?: string;
  label?: string;
  /** How it is taken back, where that is not by the operation. */
  revert?: (dryRun: boolean) => Promise<RevertReport>;
  done?: (report: RevertReport) => void;
}

export function UndoButton(props: UndoProps) {
  const [busy, setBusy] = useState(false);
  const [report, setReport] = useState<RevertReport | null>(null);
  const workspace = useWorkspace();
  const ask = async () => {
    setBusy(true);
    try {
      setReport(await (props.revert?.(true) ?? api.revert(workspace, props.operation, true)));
    } catch (error) {
      showError(messageOf(error));
    }
    setBusy(false);
  };
  return (
    <>
      <Button size={props.size} variant="default" loading={busy} leftSection={<Undo2 size={12} />} onClick={() => void ask()}>
        {props.label ?? (props.again ? text.activity.redo : text.common.undo)}
      </Button>
      {report && <Ask {...props} report={report} close={() => setReport(null)} />}
    </>
  );
}

/** The end of a long key: ids that were made together begin alike. */
const shortKey = (key: string) => (key.length > 16 ? `…${key.slice(-12)}` : key);

/** What is left as it is, and why. */
export function Skipped({ report }: { report: RevertReport }) {
  const nameOf = useNames();
  const tableNamed = useTableNamed();
  if (report.skipped.length === 0) return null;
  return (
    <>
      <div className="sheet short undo-skipped" role="region" aria-label={text.activity.stays} tabIndex={0}>
        <table className="plain">
          <Heads names={[text.activity.record, text.activity.fields, text.activity.why]} />
          <tbody>
            {report.skipped.slice(0, SKIPPED_SHOWN).map((one, i) => {
              const table = tableNamed(one.table);
              return (
                <tr key={i}>
                  <td className="cut" title={one.key}>
                    {table?.name ?? one.table}{' '}
                    {one.key && (table ? <Link to={recordPath(table, one.key)}>{shortKey(one.key)}</Link> : shortKey(one.key))}
                  </td>
                  <td>{one.fields.length > 0 ? one.fields.join(', ') : text.activity.wholeRecord}</td>
                  <td>
                    {text.activity.whys[one.why] ?? one.message}
                    {one.by && ` (${nameOf(one.by)})`}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {report.skippedTotal > SKIPPED_SHOWN && <p className="hint">{text.activity.moreStay(report.skippedTotal - SKIPPED_SHOWN)}</p>}
    </>
  );
}

function Ask({ operation, again, revert, report, close, done }: UndoProps & { report: RevertReport; close: () => void }) {
  const { busy, error, work } = useWork();
  const workspace = useWorkspace();
  const run = async () => {
    const what = await (revert?.(false) ?? api.revert(workspace, operation, false));
    show(text.activity.done(what.reverted, what.skippedTotal));
    await queryClient.invalidateQueries();
    close();
    done?.(what);
  };
  return (
    <Dialog onClose={close} size="lg" title={again ? text.activity.redoTitle : text.activity.undoTitle}>
      <Text size="sm">{text.activity.would(report.reverted, report.skippedTotal)}</Text>
      {report.followed > 0 && (
        <Text size="sm" mt="xs">
          {text.activity.follow(report.followed)}
        </Text>
      )}
      <Skipped report={report} />
      <Problem error={error} />
      <Group justify="flex-end" mt="md" gap="xs">
        <Button variant="default" onClick={close}>
          {text.common.cancel}
        </Button>
        <Button loading={busy} disabled={report.reverted === 0} leftSection={<Undo2 size={14} />} onClick={() => void work(run)}>
          {again ? text.activity.redo : text.common.undo}
        </Button>
      </Group>
    </Dialog>
  );
}
