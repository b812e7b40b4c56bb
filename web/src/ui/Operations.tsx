// Operations as a list: when, who, what, and taking one back as a unit.
import { Fragment } from 'react';
import { Link } from 'wouter';
import { tablePath } from '../api/places';
import { mayEdit, useNames, useTableNamed } from '../api/queries';
import type { Operation } from '../api/wire';
import { useMe } from '../shell/Shell';
import { text } from '../text/en';
import { Heads } from './tables';
import { ago, when } from './time';
import { UndoButton } from './UndoButton';

const KINDS = ['inserted', 'updated', 'deleted', 'restored', 'purged', 'evicted', 'cleared'] as const;

export function Operations({ operations }: { operations: Operation[] }) {
  const me = useMe();
  const nameOf = useNames();
  return (
    <div className="sheet">
      <table className="plain activity">
        <Heads names={[text.activity.when, text.activity.who, text.activity.what]} actions />
        <tbody>
          {operations.map((operation) => (
            <tr key={operation.operation} data-operation={operation.operation}>
              <td className="time" title={when(operation.at)}>{ago(operation.at)}</td>
              <td>{nameOf(operation.actor, operation.reason)}</td>
              <td>
                <What operation={operation} />
              </td>
              <td className="end">
                {operation.revertedBy ? (
                  <span className="dimmed">{text.activity.undone}</span>
                ) : (
                  mayEdit(me) && (
                    <UndoButton operation={operation.operation} again={Boolean(operation.reverts)} size="compact-xs" />
                  )
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function What({ operation }: { operation: Operation }) {
  const tableNamed = useTableNamed();
  const reason = operation.reason === 'user' ? null : (text.history.reasons[operation.reason] ?? operation.reason);
  return (
    <>
      {reason && <span className="pill step-reason">{reason}</span>}{' '}
      {operation.tables.map((counts, i) => {
        const table = tableNamed(counts.table);
        return (
          <Fragment key={counts.table}>
            {i > 0 && ' · '}
            {table ? <Link to={tablePath(table)}>{table.name}</Link> : counts.table}: {countsOf(counts) || text.activity.changes(operation.changes)}
          </Fragment>
        );
      })}
    </>
  );
}

function countsOf(table: Operation['tables'][number]): string {
  return KINDS.filter((kind) => table[kind] > 0)
    .map((kind) => text.activity.kinds[kind](table[kind]))
    .join(', ');
}
